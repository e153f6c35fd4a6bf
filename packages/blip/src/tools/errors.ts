// The errors and warnings of converting, exporting, inspecting and verifying a model: one factory each.
import { ModelError, UsageError, type Warning } from "@blip-ts/base";

/**
 * A task does not exist, or no network runs it.
 * @remedy Name one of the tasks that the message lists.
 */
export const unknownTask = (name: "task" | "graph", task: string, valid: readonly string[]): UsageError =>
  new UsageError(
    "usage/unknown-task",
    `${name}: expected ${valid.join(", ")}, got ${task}. Name one of them.`,
    {
      task,
      valid,
    },
  );

/**
 * A graph with its weights inside would be larger than protobuf allows (2 GiB).
 * @remedy Leave out `selfContained`. The weights are then written to a separate file.
 * @param dataFile the name of that file
 */
export const graphTooLarge = (file: string, size: number, limit: number, dataFile: string): UsageError =>
  new UsageError(
    "export/too-large",
    `${file}: expected at most ${limit} bytes (2 GiB, the limit of protobuf), got ${size} with its weights inside. ` +
      `Leave out selfContained. The weights are then written to ${dataFile} next to it.`,
    { file, size, limit },
  );

/**
 * A file holds models of several tasks, and a Hugging Face folder holds only one.
 * @remedy Choose one with `task` (`--task`).
 */
export const severalModels = (name: string, tasks: readonly string[]): UsageError =>
  new UsageError(
    "save/several-models",
    `task: expected one of ${tasks.join(", ")}, which ${name} holds, got none. A Hugging Face folder holds one model. ` +
      "Name its task.",
    { tasks },
  );

/**
 * The file lacks the temperature of the contrastive loss, which is `temp` in original files.
 * @remedy Give the original file.
 */
export const noTemperature = (name: string): UsageError =>
  new UsageError(
    "verify/no-temperature",
    `${name}: expected "temp" in float32, the temperature of the contrastive loss, got none. Give the original file.`,
  );

/**
 * No samples of this model were published.
 * @remedy Name the published model with `as` (`--as`), or verify it without samples.
 */
export const noSamples = (source: string, name: string, known: readonly string[]): UsageError =>
  new UsageError(
    "verify/no-samples",
    `${source}: expected a model with published samples, got "${name}". ` +
      `Name the published model with the option as: ${known.join(", ")}.`,
    { name, known },
  );

/** The command that makes a suite. */
const example = "blip convert --suite OUT match=DIR ask=DIR";

/**
 * A suite was requested without models.
 * @remedy Name a model for each task.
 */
export const noParts = (): UsageError =>
  new UsageError(
    "suite/bad-parts",
    `parts: expected a model for each task of the suite, got none. Name them: ${example}.`,
    {},
  );

/**
 * Two models were given for one task of a suite.
 * @remedy Name one of them.
 */
export const partTwice = (task: string, models: readonly string[]): UsageError =>
  new UsageError(
    "suite/bad-parts",
    `parts: expected one model for ${task}, got two (${models.join(", ")}). Name one of them.`,
    { task },
  );

/**
 * A suite was requested with a part for retrieval, which the network of `match` does.
 * @remedy Name its model as `match=MODEL`.
 */
export const retrieveAsPart = (task: string, model: string, known: readonly string[]): UsageError =>
  new UsageError(
    "suite/bad-parts",
    `parts: expected ${known.join(", ")}, got retrieve, which runs the network of match. Name its model as match=${model}.`,
    { task },
  );

/** A part for a suite. */
interface NamedPart {
  readonly task: string;
  readonly model: string;
}

/**
 * The parts of a suite have different image encoders.
 * @remedy Give models whose image encoder was frozen in training, or keep them apart.
 * @param how the difference of the tensor `name`
 */
export const differentEncoders = (
  name: string,
  [one, other]: readonly [NamedPart, NamedPart],
  how: string,
): ModelError =>
  new ModelError(
    "suite/different-encoders",
    `${other.task}=${other.model}: expected the image encoder of ${one.task}=${one.model}, got another: ${name} ${how}. ` +
      "A suite's parts share one image encoder. Give models whose image encoder was frozen in training, or keep them apart.",
    { name, models: [one.model, other.model] },
  );

/**
 * transformers has no class for the written model.
 * @remedy Load the folder with blip-ts.
 */
export const noClass = (name: string, why: string): Warning => ({
  code: "save/no-class",
  message: `${name}: ${why}; this package loads the folder, transformers does not`,
});

/**
 * config.json gives an epsilon of the vision LayerNorms that differs from training (LAVIS issue 106).
 * @remedy Use `compat: "blip"` or `"lavis"` for the trained value, `"hf"` for transformers' results.
 */
export const visionEpsilon = (epsilon: number, isDefault: boolean): Warning => ({
  code: "fault/vision-eps",
  message:
    `config.json ${isDefault ? "gives" : "sets"} ${epsilon} as the epsilon of the vision LayerNorms, but the weights were trained with 1e-6: ` +
    "compat hf uses config.json's, as transformers does, and all other modes use 1e-6; ITM logits differ by about 3e-4",
});

/**
 * The vocabulary lacks [DEC] or [ENC], the first tokens of texts that attend to an image.
 * @remedy None is needed if the ids in the message are right. Otherwise give the tokenizer that belongs to the weights.
 */
export const specialTokensMissing = (tokens: readonly string[], dec: number, enc: number): Warning => ({
  code: "fault/special-tokens",
  message:
    `the vocabulary lacks ${tokens.join(" and ")}, the first tokens of texts that attend to an image; their ids are assumed to be ` +
    `${dec} and ${enc} (text_config.bos_token_id and the one after it)`,
});

/**
 * A captioning model seems to be pre-trained and not fine-tuned on COCO captions.
 * @remedy For the paper's scores, use model_base_caption_capfilt_large.pth.
 */
export const preTrainedCaptioner = (why: string): Warning => ({
  code: "fault/pre-trained-captioner",
  message:
    `this seems to be a pre-trained model, not one fine-tuned on COCO captions: ${why}. Its captions are usable, but ` +
    "the paper's caption scores (CIDEr 133) belong to model_base_caption_capfilt_large.pth",
});
