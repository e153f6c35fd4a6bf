// What can be wrong with finding a model's files: one factory a failure. Codes are `model/...`.
import { ModelError } from "@blip-ts/base";

export const notFound = (name: string): ModelError =>
  new ModelError(
    "model/not-found",
    `${name}: there is no such file or folder, and it is no Hub id (organisation/name). ` +
      "Give a folder, a weights file or its http(s) address, picture-book, or an id such as Salesforce/blip-itm-base-flickr.",
    { name },
  );

export const noWeights = (folder: string, found: readonly string[]): ModelError =>
  new ModelError(
    "model/no-weights",
    `${folder}: expected model.safetensors, pytorch_model.bin, the .index.json of either, one .pth file or a suite's model_index.json, ` +
      `found ${found.length > 0 ? found.slice(0, 12).join(", ") : "an empty folder"}`,
    { folder, found },
  );

export const ambiguousWeights = (folder: string, found: readonly string[]): ModelError =>
  new ModelError(
    "model/ambiguous-weights",
    `${folder}: ${found.join(" and ")} could both be meant: give the path of one of them`,
    { folder, found },
  );

export const readFailed = (name: string, detail: string, cause?: unknown): ModelError =>
  new ModelError("model/read-failed", `${name}: ${detail}`, { name, detail }, { cause });

export const changed = (name: string, found: string): ModelError =>
  new ModelError(
    "model/changed",
    `${name}: expected the file as it was when the model was opened, found ${found}. Load the model again. To replace a ` +
      'model, write the new file beside the old one and rename it; if files are overwritten in place, use load: "copy" (--load copy).',
    { name, found },
  );

export const notRegular = (name: string): ModelError =>
  readFailed(name, "expected a file, found a FIFO, a socket or a device, which are not read. Give a file.");

export const tooLarge = (name: string, size: number, limit: number): ModelError =>
  new ModelError(
    "model/side-file-too-large",
    `${name} has ${size} bytes, more than the limit of ${limit} for a file of this kind; it was not read`,
    { name, size, limit },
  );
