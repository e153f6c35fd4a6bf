// The errors and the warning of training data: one factory each. Codes: `train-data/...`.
import { InputError, UsageError, type Warning } from "@blip-ts/base";

/**
 * An option of the training data is not valid.
 * @remedy Give a value that the message allows.
 */
export const badOption = (name: string, expected: string, found: unknown): UsageError =>
  new UsageError(
    "train-data/bad-option",
    `${name}: expected ${expected}, got ${String(found)}. Give another value.`,
    { name, found },
  );

/**
 * The position to resume from does not fit the data or its options.
 * @remedy Resume with the options and the data that the run had.
 */
export const badPosition = (field: string, expected: string, found: string): UsageError =>
  new UsageError(
    "train-data/bad-position",
    `position.${field}: expected ${expected}, got ${found}. Resume with the options and the data that the run had.`,
    { field, expected, found },
  );

/**
 * Batches were requested while another iteration runs.
 * @remedy End the first iteration.
 */
export const busy = (): UsageError =>
  new UsageError(
    "train-data/busy",
    "batches: expected one iteration at a time, got a second one while the first runs. End the first one.",
  );

/**
 * Training data was used after it was closed.
 * @remedy Open it again.
 */
export const closed = (): UsageError =>
  new UsageError(
    "train-data/closed",
    "batches: expected open training data, got closed ones. Open them again.",
  );

/**
 * The data holds no samples to train on.
 * @remedy Give a file or folder with images and their texts. The message names the reasons why rows were left out.
 */
export const noSamples = (name: string, skipped: number, reasons: readonly string[]): InputError =>
  new InputError(
    "train-data/no-samples",
    `${name}: expected samples to train on, got none${skipped === 0 ? "" : `; ${skipped} rows were left out, among them: ${reasons.join(" | ")}`}. ` +
      "Give a file or folder with images and their texts.",
    { name, skipped, reasons },
  );

/**
 * The data holds fewer samples than a batch.
 * @remedy Use a smaller `batchSize`. `createTrainingData` also takes `dropLast: false`.
 */
export const tooFew = (name: string, samples: number, batchSize: number): InputError =>
  new InputError(
    "train-data/too-few",
    `${name}: expected at least ${batchSize} samples that can be read (one batch; the rest of an epoch is dropped), got ${samples}. ` +
      "Give a smaller batchSize, or for createTrainingData dropLast: false.",
    { name, samples, batchSize },
  );

/**
 * Many consecutive images could not be read.
 * @remedy Check the image folder (`imageRoot`) and the files.
 */
export const allBad = (name: string, skipped: number, reasons: readonly string[]): InputError =>
  new InputError(
    "train-data/all-bad",
    `${name}: expected images that can be read, got ${skipped} bad ones in a row: ${reasons.join(" | ")}. ` +
      "Check the image folder (imageRoot) and the files.",
    { name, skipped, reasons },
  );

/**
 * Data that holds paths of images is mixed with data that holds the images themselves.
 * @remedy Train on one kind at a time.
 */
export const mixedSources = (file: string): InputError =>
  new InputError(
    "train-data/mixed",
    `${file}: expected paths of images, as in the file before it, got images within the file. ` +
      "Train on lists or on files with images, not on both at once.",
    { file },
  );

/**
 * The lists of the data are larger than `listBytes`.
 * @remedy Write them as shards, which are streamed, or raise `listBytes`.
 */
export const listTooLarge = (name: string, limit: number): InputError =>
  new InputError(
    "train-data/too-large",
    `${name}: expected lists of at most ${limit} bytes (listBytes), got more. Write them as shards, which are streamed, or raise listBytes.`,
    { name, limit },
  );

/**
 * A question has no answer to train on.
 * @remedy Give the file with the answers (VQA v2: `annotations`, `--annotations`).
 */
export const noAnswers = (place: string): InputError =>
  new InputError(
    "train-data/no-answers",
    `${place}: expected at least one answer to train on, got none. Give the file with the answers (VQA v2: the option annotations).`,
    { place },
  );

/**
 * An image has no caption to train on.
 * @remedy Give a file with captions.
 */
export const noCaptions = (place: string): InputError =>
  new InputError(
    "train-data/no-captions",
    `${place}: expected at least one caption to train on, got none. Give a file with captions.`,
    { place },
  );

/**
 * A pair has no label to train on.
 * @remedy Use a split that has labels.
 */
export const noLabel = (place: string): InputError =>
  new InputError(
    "train-data/no-label",
    `${place}: expected a label to train on, got none. Use a split that has labels.`,
    { place },
  );

/**
 * BLIP's clean-up removes all of a text.
 * @remedy Write words.
 */
export const nothingLeft = (place: string, text: string): InputError =>
  new InputError(
    "train-data/empty-text",
    `${place}: expected a text that keeps a word after BLIP's clean-up, got ${JSON.stringify(text.slice(0, 80))}. Write words.`,
    { place },
  );

/**
 * A row's patches do not fit the recipe.
 * @remedy Correct the row, or the recipe's `patchNames`.
 */
export const badPatches = (place: string, expected: string, found: string | number): InputError =>
  new InputError(
    "train-data/patches",
    `${place}: expected patches of ${expected}, got ${JSON.stringify(found)}. Correct the row, or the recipe's patchNames.`,
    { place, expected, found },
  );

/**
 * A row names an image by a path that cannot be opened here.
 * @remedy Give the image folder.
 */
export const imageUnavailable = (name: string): InputError =>
  new InputError(
    "train-data/no-image",
    `${name}: expected an image that can be opened here, got a path. Give the image folder.`,
    { name },
  );

/**
 * Two workers died while they decoded the same image.
 * @remedy Leave the image out, or give the process more memory.
 */
export const workerDied = (detail: string): InputError =>
  new InputError(
    "train-data/worker-died",
    `expected a decoded image, got two workers that died one after the other (${detail}). Leave the image out, or give the process more memory.`,
    { detail },
  );

/**
 * The training uses false captions, and no row of the data has any.
 * @remedy Give rows a field `false_captions`, or leave out `falseCaptions`.
 */
export const noFalseCaptions = (name: string): Warning => ({
  code: "train-data/no-false-captions",
  message:
    `${name}: expected rows with the field false_captions, which falseCaptions reads, got none. ` +
    "Give rows the field, or leave falseCaptions out.",
});
