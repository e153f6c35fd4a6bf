// What can be wrong with training data: one factory a failure. Codes are `train-data/...`.
import { InputError, UsageError } from "@blip-ts/base";

export const badOption = (name: string, expected: string, found: unknown): UsageError =>
  new UsageError(
    "train-data/bad-option",
    `${name}: expected ${expected}, got ${String(found)}. Give another value.`,
    { name, found },
  );

export const badPosition = (field: string, expected: string, found: string): UsageError =>
  new UsageError(
    "train-data/bad-position",
    `position.${field}: expected ${expected}, got ${found}. Resume with the options and the data that the run had.`,
    { field, expected, found },
  );

export const busy = (): UsageError =>
  new UsageError(
    "train-data/busy",
    "batches: expected one iteration at a time, got a second one while the first runs. End the first one.",
  );

export const closed = (): UsageError =>
  new UsageError(
    "train-data/closed",
    "batches: expected open training data, got closed ones. Open them again.",
  );

export const noSamples = (name: string, skipped: number, reasons: readonly string[]): InputError =>
  new InputError(
    "train-data/no-samples",
    `${name}: expected samples to train on, got none${skipped === 0 ? "" : `; ${skipped} rows were left out, among them: ${reasons.join(" | ")}`}. ` +
      "Give a file or folder with images and their texts.",
    { name, skipped, reasons },
  );

export const tooFew = (name: string, samples: number, batchSize: number): InputError =>
  new InputError(
    "train-data/too-few",
    `${name}: expected at least ${batchSize} samples that can be read (one batch; the rest of an epoch is dropped), got ${samples}. ` +
      "Give a smaller batchSize, or dropLast: false.",
    { name, samples, batchSize },
  );

export const allBad = (name: string, skipped: number, reasons: readonly string[]): InputError =>
  new InputError(
    "train-data/all-bad",
    `${name}: expected images that can be read, got ${skipped} bad ones in a row and no good one between them: ${reasons.join(" | ")}. ` +
      "Check the images' folder (imageRoot) and the files.",
    { name, skipped, reasons },
  );

export const mixedSources = (file: string): InputError =>
  new InputError(
    "train-data/mixed",
    `${file}: expected paths of images, as in the file before it, got images within the file. ` +
      "Train on lists or on files with images, not on both at once.",
    { file },
  );

export const listTooLarge = (name: string, limit: number): InputError =>
  new InputError(
    "train-data/too-large",
    `${name}: expected lists of at most ${limit} bytes (listBytes), got more. Write them as shards, which are streamed, or raise listBytes.`,
    { name, limit },
  );

export const noAnswers = (place: string): InputError =>
  new InputError(
    "train-data/no-answers",
    `${place}: expected at least one answer to learn, got none. Give the file with the answers (VQA v2: annotations).`,
    { place },
  );

export const noCaptions = (place: string): InputError =>
  new InputError(
    "train-data/no-captions",
    `${place}: expected at least one caption to learn, got none. Give a file with captions.`,
    { place },
  );

export const noLabel = (place: string): InputError =>
  new InputError(
    "train-data/no-label",
    `${place}: expected a label to learn, got none. Give a part of the data set that has labels.`,
    { place },
  );

export const nothingLeft = (place: string, text: string): InputError =>
  new InputError(
    "train-data/empty-text",
    `${place}: expected a text of which BLIP's clean-up leaves a word, got ${JSON.stringify(text.slice(0, 80))}. Write words.`,
    { place },
  );

export const badPatches = (place: string, expected: string, found: string | number): InputError =>
  new InputError(
    "train-data/patches",
    `${place}: expected patches of ${expected}, got ${JSON.stringify(found)}. Correct the row, or the recipe's patchNames.`,
    { place, expected, found },
  );

export const imageUnavailable = (name: string): InputError =>
  new InputError(
    "train-data/no-image",
    `${name}: expected an image that can be opened here, got a path. Give the folder of images.`,
    { name },
  );

/** A worker ended twice at the same sample. */
export const workerDied = (detail: string): InputError =>
  new InputError(
    "train-data/worker-died",
    `expected a decoded image, got the end of two workers, one after the other (${detail}). Leave the image out, or give it more memory.`,
    { detail },
  );
