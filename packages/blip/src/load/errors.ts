// What can be wrong between a checkpoint and what is asked of it: one factory a failure. Codes are `model/...`,
// of suites `suite/...`.
import { ModelError, UsageError } from "@blip-ts/base";
import { MAX_DETAIL, shown, someOf } from "@blip-ts/checkpoint";

export const wrongTask = (
  name: string,
  task: string,
  tasks: readonly string[],
  missing: readonly string[],
): ModelError =>
  new ModelError(
    "model/wrong-task",
    `${name} cannot do "${task}": it lacks ${missing.join(", ")}. ` +
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
  new ModelError(
    "model/bad-json",
    `${name}: expected JSON that can be read, but ${shown(detail, MAX_DETAIL)}. Download the file again.`,
    {
      name,
      detail,
    },
  );

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

export const badGenerationConfig = (name: string, detail: string): ModelError =>
  new ModelError(
    "model/bad-config",
    `${name}: ${detail}. Correct it, or leave out generationConfig (--generation-config): no such file is then read.`,
    { name, detail },
  );

export const noGenerationConfig = (name: string): ModelError =>
  new ModelError(
    "model/no-generation-config",
    `${name}: expected a generation_config.json beside the weights, found none. ` +
      "Give its content as generationConfig (--generation-config FILE), or leave the option out.",
    { name },
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

/** A value of a JSON file, short. */
function valueOf(value: unknown): string {
  if (value === undefined) return "nothing";
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" && value !== null ? "an object" : shown(JSON.stringify(value));
}

export const suiteLacks = (name: string, task: string, tasks: readonly string[]): ModelError =>
  new ModelError(
    "model/wrong-task",
    `${name} cannot do "${task}": the suite has no part for it. It can do: ${tasks.join(", ")}. ` +
      "Give a model that was trained for the task, or make a suite with it (blip convert --suite).",
    { name, task, tasks },
  );

export const taskNeeded = (name: string, tasks: readonly string[]): UsageError =>
  new UsageError(
    "suite/task-needed",
    `${name} is a suite, whose parts do several tasks: expected one of ${tasks.join(", ")}, found none. ` +
      "Say which with task (--task).",
    { name, tasks },
  );

export const severalParts = (name: string, tasks: readonly string[]): ModelError =>
  new ModelError(
    "suite/several-parts",
    `${name}: expected one part that does ${tasks.join(" and ")}, found them in several. ` +
      "Load them one by one, or all of them with Blip.fromPretrained.",
    { name, tasks },
  );

export const badSuiteIndex = (name: string, field: string, expected: string, found: unknown): ModelError =>
  new ModelError(
    "suite/bad-index",
    `${name}: ${shown(field)}: expected ${expected}, found ${valueOf(found)}. ` +
      "Make the suite anew with blip convert --suite; what a newer blip-ts wrote, read with that.",
    { name, field },
  );

export const unknownSuiteTask = (name: string, task: string, tasks: readonly string[]): ModelError =>
  new ModelError(
    "suite/unknown-task",
    `${name}: tasks: expected ${tasks.join(", ")}, found ${valueOf(task)}. Remove it, or read the suite with the blip-ts that wrote it.`,
    { name, task, tasks },
  );

export const badSuitePath = (name: string, field: string, kind: string, found: string): ModelError =>
  new ModelError(
    "suite/bad-path",
    `${name}: ${field}: expected the plain name of a folder beside this file, found ${kind} (${valueOf(found)}), ` +
      "which is not opened. Put the part into a folder of the suite, and name that.",
    { name, field },
  );

export const duplicateInSuite = (name: string, found: string): ModelError =>
  new ModelError(
    "suite/duplicate",
    `${name}: expected each thing once, found ${shown(found)}. Keep the one that is meant.`,
    { name },
  );

export const missingPart = (name: string, folder: string, what: string, cause: Error): ModelError =>
  new ModelError(
    "suite/missing-part",
    `${name}: expected ${what} in its folder ${folder}, found none to read (${cause.message}). ` +
      "Copy or download the suite as a whole.",
    { name, folder },
    { cause },
  );

export const misplacedTensors = (folder: string, whose: string, found: readonly string[]): ModelError =>
  new ModelError(
    "suite/misplaced-tensors",
    `${folder}: expected ${whose} tensors alone, found ${someOf(found, 3)}. ` +
      "The image encoder lies in one folder, all else in the parts: make the suite anew with blip convert --suite.",
    { folder, names: found.slice(0, 5) },
  );

export const encoderWidth = (encoder: string, found: unknown, where: string, width: number): ModelError =>
  new ModelError(
    "suite/encoder-width",
    `${encoder}: expected an image encoder of width ${width}, as ${where}, found ${valueOf(found)}. ` +
      "They are of different models: give the part and the encoder that belong together.",
    { encoder, width },
  );

/** A field with its value in each of two parts. */
type Difference = readonly [field: string, one: unknown, other: unknown];

const differing = ([one, other]: readonly [string, string], [field, a, b]: Difference): string =>
  `expected one ${field} in all parts, found ${JSON.stringify(a)} in ${one} and ${JSON.stringify(b)} in ${other}`;

export const differentStates = (
  name: string,
  parts: readonly [string, string],
  found: Difference,
): ModelError =>
  new ModelError(
    "suite/different-states",
    `${name}: ${differing(parts, [`vision_config.${found[0]}`, found[1], found[2]])}, so that the shared image encoder would ` +
      "not give both the same states. Correct the config.json that does not belong to these weights, or keep the models apart.",
    { name, parts, field: found[0] },
  );

export const differentSettings = (
  name: string,
  parts: readonly [string, string],
  found: Difference,
): ModelError =>
  new ModelError(
    "suite/different-settings",
    `${name}: ${differing(parts, found)}, so that they do not share an image's states. ` +
      "Open them apart, each with its own tasks, or give the preprocessor_config.json that belongs to these weights.",
    { name, parts, field: found[0] },
  );

export const differentTypes = (
  name: string,
  [one, other]: readonly [readonly [part: string, dtype: string], readonly [part: string, dtype: string]],
): ModelError =>
  new ModelError(
    "suite/different-types",
    `${name}: expected parts that compute in one type, found ${one[1]} in ${one[0]} and ${other[1]} in ${other[0]}. ` +
      "Open them apart, each with its own tasks.",
    { name },
  );

export const severalProjections = (name: string, tasks: readonly string[]): ModelError =>
  new ModelError(
    "suite/several-projections",
    `${name}: expected one part that makes embeddings of images, found those of ${tasks.join(" and of ")}. ` +
      "Open them apart, each with its own tasks.",
    { name, tasks },
  );
