// What can be wrong between a checkpoint and what is asked of it: one factory a failure. Codes are `model/...`.
import { ModelError, UsageError } from "@blip-ts/base";

export const wrongTask = (
  name: string,
  task: string,
  tasks: readonly string[],
  missing: readonly string[],
): ModelError =>
  new ModelError(
    "model/wrong-task",
    `${name} cannot do "${task}": it has no ${missing.join(", no ")}. ` +
      (tasks.length > 0 ? `It can do: ${tasks.join(", ")}.` : "It can do no task of this package.") +
      " Nothing is ever initialised in place of a head that a file lacks: give a checkpoint that was trained for the task.",
    { name, task, tasks, missing },
  );

export const taskNotOpened = (name: string, task: string, tasks: readonly string[]): UsageError =>
  new UsageError(
    "usage/task-not-opened",
    `tasks: expected "${task}" among the tasks that ${name} was opened for, found ${tasks.join(", ")}. ` +
      "Add it to the option tasks, or leave the option out.",
    { name, task, tasks },
  );

export const memoryTooSmall = (memory: number, least: number, models = "this model"): UsageError =>
  new UsageError(
    "usage/memory-too-small",
    `memory: ${memory} MB do not hold ${models} and the smallest batches; ${least} MB would do (memory, --memory MB).`,
    { memory, least },
  );

export const badJson = (name: string, detail: string): ModelError =>
  new ModelError("model/bad-json", `${name} is not JSON: ${detail}. Download the file again.`, {
    name,
    detail,
  });

export const sideFileTooLarge = (name: string, size: number, limit: number): ModelError =>
  new ModelError(
    "model/side-file-too-large",
    `${name}: expected at most ${limit} characters, found ${size}. Give the file that belongs to these weights.`,
    { name, size, limit },
  );

export const badConfig = (name: string, detail: string): ModelError =>
  new ModelError(
    "model/bad-config",
    `${name}: ${detail}. Give the config.json that belongs to these weights.`,
    {
      name,
      detail,
    },
  );

export const headsUnknown = (name: string, textWidth: number, visionWidth: number): ModelError =>
  new ModelError(
    "model/heads-unknown",
    `${name}: there is no config.json beside the weights, and a network of width ${visionWidth} (vision) and ` +
      `${textWidth} (text) is not one of Salesforce's (768 or 1024, and 768), so that its attention heads cannot be known ` +
      "from the file. Put its config.json beside it, or say textHeads (--text-heads N).",
    { name, textWidth, visionWidth },
  );

export const badHeads = (name: string, part: string, width: number, heads: unknown): ModelError =>
  new ModelError(
    "model/bad-heads",
    `${name}: ${String(heads)} attention heads do not divide the ${part} width of ${width}`,
    { name, part, width, heads },
  );

export const vocabularyNeeded = (name: string, vocabSize: number): ModelError =>
  new ModelError(
    "model/vocabulary-needed",
    `${name}: its word table has ${vocabSize} rows, the bundled BERT vocabulary 30522 (30524 with [DEC] and [ENC]): ` +
      "give a folder with vocab.txt or tokenizer.json",
    { name, vocabSize },
  );

export const vocabularyTooLarge = (name: string, tokens: number, vocabSize: number): ModelError =>
  new ModelError(
    "model/vocabulary-mismatch",
    `${name}: the tokenizer has ${tokens} tokens, the model's word table ${vocabSize} rows. They are of different models.`,
    { name, tokens, vocabSize },
  );

export const noSpecialToken = (name: string, token: string, id: number, vocabSize: number): ModelError =>
  new ModelError(
    "model/no-special-token",
    `${name}: its vocabulary has no ${token}, and the id that stands for it, ${id}, is outside of its ${vocabSize} rows. ` +
      (token === "[ENC]"
        ? 'Use compat "hf", which keeps [CLS].'
        : "Give the config.json that belongs to these weights: its text_config.bos_token_id says [DEC]."),
    { name, token, id, vocabSize },
  );

export const dtypeRefused = (name: string, asked: string): UsageError =>
  new UsageError(
    "usage/dtype",
    `dtype: ${name} holds 8-bit weights, expected int8, found ${asked}. What rounding took away does not come back: give the original model.`,
    { name, asked },
  );
