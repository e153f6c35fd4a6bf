// Errors of locating and reading a model's files: one factory per error. Codes are `model/...`.
import { ModelError } from "@blip-ts/base";

/**
 * There is no such file or folder, and the name is not a Hub id.
 * @remedy Give a folder, a weights file or its address, picture-book, or a Hub id.
 */
export const notFound = (name: string): ModelError =>
  new ModelError(
    "model/not-found",
    `${name}: there is no such file or folder, and it is not a Hub id (organisation/name). ` +
      "Give a folder, a weights file or its http(s) address, picture-book, or an id such as Salesforce/blip-itm-base-flickr.",
    { name },
  );

/**
 * The folder holds no weights in a supported form.
 * @remedy Give a folder with model.safetensors, pytorch_model.bin, one .pth file, or model_index.json of a suite.
 */
export const noWeights = (folder: string, found: readonly string[]): ModelError =>
  new ModelError(
    "model/no-weights",
    `${folder}: expected model.safetensors, pytorch_model.bin, the .index.json of either, one .pth file or a suite's model_index.json, ` +
      `got ${found.length > 0 ? found.slice(0, 12).join(", ") : "an empty folder"}`,
    { folder, found },
  );

/**
 * The folder holds several possible weights files.
 * @remedy Give the path of one of them.
 */
export const ambiguousWeights = (folder: string, found: readonly string[]): ModelError =>
  new ModelError(
    "model/ambiguous-weights",
    `${folder}: expected one weights file, got ${found.join(" and ")}. Give the path of one of them.`,
    { folder, found },
  );

/**
 * Reading a file of the model failed.
 * @remedy Check the file, its permissions and the disk.
 */
export const readFailed = (name: string, detail: string, cause?: unknown): ModelError =>
  new ModelError("model/read-failed", `${name}: ${detail}`, { name, detail }, { cause });

/**
 * A file of the model was written to, replaced or deleted since the model was opened.
 * @remedy Load it again. Replace models by renaming, or use `load: "copy"` (`--load copy`).
 */
export const changed = (name: string, found: string): ModelError =>
  new ModelError(
    "model/changed",
    `${name}: expected the file as it was when the model was opened, got ${found}. Load the model again. To replace a ` +
      'model, write the new file beside the old one and rename it; if files are overwritten in place, use load: "copy".',
    { name, found },
  );

export const notRegular = (name: string): ModelError =>
  readFailed(name, "expected a file, got a FIFO, a socket or a device, which are not read. Give a file.");

/**
 * A file beside the weights is larger than the limit; it was not read.
 * @remedy Give the file that belongs to these weights.
 */
export const tooLarge = (name: string, size: number, limit: number): ModelError =>
  new ModelError(
    "model/side-file-too-large",
    `${name} has ${size} bytes, more than the limit of ${limit} for a file of this kind; it was not read`,
    { name, size, limit },
  );
