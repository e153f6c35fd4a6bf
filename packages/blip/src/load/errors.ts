// Error factories for using a checkpoint for a task. Codes: `model/...`, and `suite/...` for suites.
import { ModelError, UsageError, type Warning } from "@blip-ts/base";
import { MAX_DETAIL, shown, someOf } from "@blip-ts/checkpoint";

/**
 * The model lacks parts that the task needs; missing parts are never initialised.
 * @remedy Give a checkpoint that was trained for the task; the message lists the tasks of this one.
 */
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
      " Missing parts are never initialised: give a checkpoint that was trained for the task.",
    { name, task, tasks, missing },
  );

/**
 * The call uses a task that the model was not opened for.
 * @remedy Add it to the option `tasks`, or leave the option out.
 */
export const taskNotOpened = (name: string, task: string, tasks: readonly string[]): UsageError =>
  new UsageError(
    "usage/task-not-opened",
    `tasks: expected "${task}" among the tasks that ${name} was opened for, got ${tasks.join(", ")}. ` +
      "Add it to the option tasks, or leave the option out.",
    { name, task, tasks },
  );

/**
 * `memory` is too small for the model and the smallest batches.
 * @remedy Raise it to the message's value.
 */
export const memoryTooSmall = (memory: number, least: number, models = "this model"): UsageError =>
  new UsageError(
    "usage/memory-too-small",
    `memory: expected at least ${least} MB for ${models} and the smallest batches, got ${memory}. Raise it.`,
    { memory, least },
  );

/**
 * A file beside the weights is not JSON.
 * @remedy Download the file again.
 */
export const badJson = (name: string, detail: string): ModelError =>
  new ModelError(
    "model/bad-json",
    `${name}: expected JSON that can be read, but ${shown(detail, MAX_DETAIL)}. Download the file again.`,
    {
      name,
      detail,
    },
  );

/**
 * A file beside the weights is larger than the limit.
 * @remedy Give the file that belongs to these weights.
 */
export const sideFileTooLarge = (name: string, size: number, limit: number): ModelError =>
  new ModelError(
    "model/side-file-too-large",
    `${name}: expected at most ${limit} characters, got ${size}. Give the file that belongs to these weights.`,
    { name, size, limit },
  );

/**
 * config.json holds an invalid value, or contradicts the weights.
 * @remedy Give the config.json that belongs to these weights.
 */
export const badConfig = (name: string, detail: string): ModelError =>
  new ModelError(
    "model/bad-config",
    `${name}: ${detail}. Give the config.json that belongs to these weights.`,
    {
      name,
      detail,
    },
  );

/**
 * generation_config.json holds an invalid value.
 * @remedy Correct it, or leave out `generationConfig` (`--generation-config`).
 */
export const badGenerationConfig = (name: string, detail: string): ModelError =>
  new ModelError(
    "model/bad-config",
    `${name}: ${detail}. Correct it, or leave out generationConfig: no such file is then read.`,
    { name, detail },
  );

/**
 * `generationConfig: "model"` was given, and the model has no generation_config.json.
 * @remedy Give its content as `generationConfig`, or leave the option out.
 */
export const noGenerationConfig = (name: string): ModelError =>
  new ModelError(
    "model/no-generation-config",
    `${name}: expected a generation_config.json beside the weights, got none. ` +
      "Give its content as generationConfig, or leave the option out.",
    { name },
  );

/**
 * The model has no config.json, and the weights' shapes do not show its attention heads.
 * @remedy Put its config.json beside it, or set `textHeads` (`--text-heads`).
 */
export const headsUnknown = (name: string, textWidth: number, visionWidth: number): ModelError =>
  new ModelError(
    "model/heads-unknown",
    `${name}: there is no config.json beside the weights, and a network of width ${visionWidth} (vision) and ` +
      `${textWidth} (text) is not one of Salesforce's (768 or 1024, and 768), so that its attention heads cannot be known ` +
      "from the file. Put its config.json beside it, or set textHeads.",
    { name, textWidth, visionWidth },
  );

/**
 * The number of attention heads does not divide the width.
 * @remedy Correct config.json, or `textHeads` (`--text-heads`).
 */
export const badHeads = (name: string, part: string, width: number, heads: unknown): ModelError =>
  new ModelError(
    "model/bad-heads",
    `${name}: ${String(heads)} attention heads do not divide the ${part} width of ${width}`,
    { name, part, width, heads },
  );

/**
 * The model's word table has another size than BERT's vocabulary.
 * @remedy Give a folder with vocab.txt or tokenizer.json.
 */
export const vocabularyNeeded = (name: string, vocabSize: number): ModelError =>
  new ModelError(
    "model/vocabulary-needed",
    `${name}: its word table has ${vocabSize} rows, the bundled BERT vocabulary 30522 (30524 with [DEC] and [ENC]): ` +
      "give a folder with vocab.txt or tokenizer.json",
    { name, vocabSize },
  );

/**
 * The tokenizer has more tokens than the model's word table has rows.
 * @remedy Give the tokenizer and the weights of one model.
 */
export const vocabularyTooLarge = (name: string, tokens: number, vocabSize: number): ModelError =>
  new ModelError(
    "model/vocabulary-mismatch",
    `${name}: the tokenizer has ${tokens} tokens, the model's word table ${vocabSize} rows. They are of different models.`,
    { name, tokens, vocabSize },
  );

/**
 * The vocabulary has no [DEC] or [ENC], and the model has no row for it.
 * @remedy Use `compat: "hf"`, or give the config.json that belongs to these weights.
 */
export const noSpecialToken = (name: string, token: string, id: number, vocabSize: number): ModelError =>
  new ModelError(
    "model/no-special-token",
    `${name}: its vocabulary has no ${token}, and the id that stands for it, ${id}, is outside of its ${vocabSize} rows. ` +
      (token === "[ENC]"
        ? 'Use compat "hf", which keeps [CLS].'
        : "Give the config.json that belongs to these weights: its text_config.bos_token_id is [DEC]."),
    { name, token, id, vocabSize },
  );

/**
 * The options ask for a floating-point type, but the model holds 8-bit weights.
 * @remedy Give the original model.
 */
export const dtypeRefused = (name: string, asked: string): UsageError =>
  new UsageError(
    "usage/dtype",
    `dtype: ${name} holds 8-bit weights, expected int8, got ${asked}. Rounding cannot be undone: give the original model.`,
    { name, asked },
  );

/** Describes a JSON value briefly. */
function valueOf(value: unknown): string {
  if (value === undefined) return "nothing";
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" && value !== null ? "an object" : shown(JSON.stringify(value));
}

/**
 * The suite has no part for the task.
 * @remedy Give a model that was trained for the task, or make a suite with it (`blip convert --suite`).
 */
export const suiteLacks = (name: string, task: string, tasks: readonly string[]): ModelError =>
  new ModelError(
    "model/wrong-task",
    `${name} cannot do "${task}": the suite has no part for it. It can do: ${tasks.join(", ")}. ` +
      "Give a model that was trained for the task, or make a suite with it (blip convert --suite).",
    { name, task, tasks },
  );

/**
 * A suite was given without a task that selects a part.
 * @remedy Name the task with `task` (`--task`).
 */
export const taskNeeded = (name: string, tasks: readonly string[]): UsageError =>
  new UsageError(
    "suite/task-needed",
    `${name} is a suite, whose parts do several tasks: expected one of ${tasks.join(", ")}, got none. ` +
      "Name the task with the option task.",
    { name, tasks },
  );

/**
 * The tasks to load together are in several parts of the suite.
 * @remedy Load them one by one, or all of them with `Blip.fromPretrained`.
 */
export const severalParts = (name: string, tasks: readonly string[]): ModelError =>
  new ModelError(
    "suite/several-parts",
    `${name}: expected one part that does ${tasks.join(" and ")}, got them in several. ` +
      "Load them one by one, or all of them with Blip.fromPretrained.",
    { name, tasks },
  );

/**
 * model_index.json holds an invalid value.
 * @remedy Make the suite again with `blip convert --suite`.
 */
export const badSuiteIndex = (name: string, field: string, expected: string, found: unknown): ModelError =>
  new ModelError(
    "suite/bad-index",
    `${name}: ${shown(field)}: expected ${expected}, got ${valueOf(found)}. ` +
      "Make the suite again with blip convert --suite; read a newer blip-ts's suite with that version.",
    { name, field },
  );

/**
 * model_index.json names a task that this version does not know.
 * @remedy Remove it, or read the suite with the version that wrote it.
 */
export const unknownSuiteTask = (name: string, task: string, tasks: readonly string[]): ModelError =>
  new ModelError(
    "suite/unknown-task",
    `${name}: tasks: expected ${tasks.join(", ")}, got ${valueOf(task)}. Remove it, or read the suite with the blip-ts that wrote it.`,
    { name, task, tasks },
  );

/**
 * model_index.json names a path that is not a folder beside it; it is not opened.
 * @remedy Put the part into a folder of the suite, and name that.
 */
export const badSuitePath = (name: string, field: string, kind: string, found: string): ModelError =>
  new ModelError(
    "suite/bad-path",
    `${name}: ${field}: expected the plain name of a folder beside this file, got ${kind} (${valueOf(found)}), ` +
      "which is not opened. Put the part into a folder of the suite, and name that.",
    { name, field },
  );

/**
 * model_index.json names a task or a folder twice.
 * @remedy Keep one of them.
 */
export const duplicateInSuite = (name: string, found: string): ModelError =>
  new ModelError(
    "suite/duplicate",
    `${name}: expected each thing once, got ${shown(found)}. Keep one of them.`,
    { name },
  );

/**
 * A folder that model_index.json names holds no weights.
 * @remedy Copy or download the suite as a whole.
 */
export const missingPart = (name: string, folder: string, what: string, cause: Error): ModelError =>
  new ModelError(
    "suite/missing-part",
    `${name}: expected ${what} in its folder ${folder}, got none to read (${cause.message}). ` +
      "Copy or download the suite as a whole.",
    { name, folder },
    { cause },
  );

/**
 * A part holds tensors of the image encoder, or the image encoder's folder holds tensors of a part.
 * @remedy Make the suite again with `blip convert --suite`.
 */
export const misplacedTensors = (folder: string, whose: string, found: readonly string[]): ModelError =>
  new ModelError(
    "suite/misplaced-tensors",
    `${folder}: expected ${whose} tensors alone, got ${someOf(found, 3)}. ` +
      "The image encoder belongs in one folder, all else in the parts: make the suite again with blip convert --suite.",
    { folder, names: found.slice(0, 5) },
  );

/**
 * The image encoder has another width than a part expects.
 * @remedy Give the part and the encoder that belong together.
 */
export const encoderWidth = (encoder: string, found: unknown, where: string, width: number): ModelError =>
  new ModelError(
    "suite/encoder-width",
    `${encoder}: expected an image encoder of width ${width}, as ${where}, got ${valueOf(found)}. ` +
      "They are of different models: give the part and the encoder that belong together.",
    { encoder, width },
  );

/** A field with its value in each of two parts. */
type Difference = readonly [field: string, one: unknown, other: unknown];

const differing = ([one, other]: readonly [string, string], [field, a, b]: Difference): string =>
  `expected one ${field} in all parts, got ${JSON.stringify(a)} in ${one} and ${JSON.stringify(b)} in ${other}`;

/**
 * The parts' config.json files differ in a setting that affects an image's states.
 * @remedy Correct the wrong config.json, or keep the models apart.
 */
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

/**
 * The parts prepare images differently, so they cannot share an image's states.
 * @remedy Open them apart, each with its own tasks.
 */
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

/**
 * The parts compute in different types.
 * @remedy Open them apart, each with its own tasks.
 */
export const differentTypes = (
  name: string,
  [one, other]: readonly [readonly [part: string, dtype: string], readonly [part: string, dtype: string]],
): ModelError =>
  new ModelError(
    "suite/different-types",
    `${name}: expected parts that compute in one type, got ${one[1]} in ${one[0]} and ${other[1]} in ${other[0]}. ` +
      "Open them apart, each with its own tasks.",
    { name },
  );

/**
 * Several parts make embeddings of images.
 * @remedy Open them apart, each with its own tasks.
 */
export const severalProjections = (name: string, tasks: readonly string[]): ModelError =>
  new ModelError(
    "suite/several-projections",
    `${name}: expected one part that makes embeddings of images, got those of ${tasks.join(" and of ")}. ` +
      "Open them apart, each with its own tasks.",
    { name, tasks },
  );

/**
 * config.json has another number of attention heads than BLIP's text models of width 768 were trained with
 * (transformers issue 22625); 12 are used.
 * @remedy For the same result as transformers use `textHeads: "config"` (`--text-heads config`).
 */
export const textHeadsCorrected = (name: string, configured: string): Warning => ({
  code: "model/text-heads",
  message:
    `${name}: BLIP's text model of width 768 was trained with 12 attention heads, config.json ${configured}; 12 are used. ` +
    'For transformers\' own answer use textHeads: "config".',
});

/**
 * Converted weights could not be kept, so the model is converted at every load.
 * @remedy Remove the cause that the message names, such as a full disk.
 */
export const convertedNotKept = (name: string, reason: string): Warning => ({
  code: "weights/not-kept",
  message:
    `${name}: the converted weights stay in memory and are made again whenever the model is loaded, ` +
    `because ${reason}`,
});
