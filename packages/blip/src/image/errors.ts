// What can be wrong with pictures: one factory a failure. Codes are `image/...`.
import { InputError, ModelError } from "@blip-ts/base";

/** What `decodeImage` reads. */
export const readable = "JPEG, PNG, WebP, GIF, AVIF or TIFF";

export const notFound = (name: string, found = "there is no such file", cause?: unknown): InputError =>
  new InputError(
    "image/not-found",
    `${name}: expected the file of an image, but ${found}. Check the path; a folder's images are given one by one.`,
    { name, found },
    { cause },
  );

/** @param detail what the system says of the failure */
export const unreadable = (name: string, detail: string, cause?: unknown): InputError =>
  new InputError(
    "image/unreadable",
    `${name}: expected an image that can be read, but reading it failed (${detail}). Give a copy of it that can be read.`,
    { name, detail },
    { cause },
  );

export const unreadableFolder = (name: string, detail: string, cause?: unknown): InputError =>
  new InputError(
    "image/unreadable",
    `${name}: expected a folder whose images can be listed, but reading it failed (${detail}). ` +
      "Change its permissions, or leave it out.",
    { name, detail },
    { cause },
  );

export const notAnImage = (name: string, found: string): InputError =>
  new InputError(
    "image/not-an-image",
    `${name}: expected an image (${readable}), found ${found}. The bytes decide, not the name: give another file.`,
    { name, found },
  );

export const unsupported = (name: string, found: string, cause?: unknown): InputError =>
  new InputError(
    "image/unsupported",
    `${name}: expected an image that can be read here (${readable}), found ${found}. Convert it to PNG or JPEG.`,
    { name, found },
    { cause },
  );

export const truncated = (name: string, detail: string, cause?: unknown): InputError =>
  new InputError(
    "image/truncated",
    `${name}: expected a whole image, but it ends too early or is damaged (${detail}). Get the file again.`,
    { name, detail },
    { cause },
  );

export const tooLarge = (name: string, found: string, limit: string): InputError =>
  new InputError(
    "image/too-large",
    `${name}: expected a file of at most ${limit}, found ${found}; it was not read. Make it smaller.`,
    { name, found, limit },
  );

const sizeOf = (width: number, height: number) => `${width} x ${height} pixels`;

export const tooManyPixels = (name: string, width: number, height: number, maxPixels: number): InputError =>
  new InputError(
    "image/too-large",
    `${name}: expected at most ${maxPixels} pixels, found ${sizeOf(width, height)}; it was not decoded. ` +
      "Make it smaller, or give a larger maxPixels (--max-pixels of the command) if you trust it.",
    { name, width, height, maxPixels },
  );

export const sideTooLong = (name: string, width: number, height: number, maxSide: number): InputError =>
  new InputError(
    "image/too-large",
    `${name}: expected at most ${maxSide} pixels a side, found ${sizeOf(width, height)}; it was not decoded. Make it smaller.`,
    { name, width, height, maxSide },
  );

export const tooDense = (
  name: string,
  { width, height, bytes }: { readonly width: number; readonly height: number; readonly bytes: number },
): InputError =>
  new InputError(
    "image/too-large",
    `${name}: expected an image whose file is as large as its pixels need, found ${sizeOf(width, height)} in ${bytes} bytes; ` +
      "it was not decoded. Make it smaller, or store it as a JPEG.",
    { name, width, height, bytes },
  );

export const manyScans = (name: string, most: number): InputError =>
  new InputError(
    "image/too-large",
    `${name}: expected at most ${most} scans of a progressive JPEG, found more; it was not decoded. Store it anew.`,
    { name, most },
  );

export const manyFrames = (name: string, most: number): InputError =>
  new InputError(
    "image/too-large",
    `${name}: expected at most ${most} images in one file, found more; it was not decoded. Give the first one alone.`,
    { name, most },
  );

const megabytes = (bytes: number) => Math.ceil(bytes / 1e6);

/** @param needed bytes that decoding takes @param memory MB with which it would pass; undefined if it may not be told */
export const tooMuchMemory = (name: string, needed: number, memory: number | undefined): InputError =>
  new InputError(
    "image/too-large",
    `${name}: expected an image that is decoded within the bound of memory, found that it takes ${megabytes(needed)} MB; ` +
      `it was not decoded. Make it smaller${memory === undefined ? "" : `, or give memory ${megabytes(memory)} (--memory of the command)`}.`,
    { name, needed: megabytes(needed), ...(memory !== undefined && { memory: megabytes(memory) }) },
  );

/** A decoder took far more than its image's header lets expect. */
export const outOfBounds = (name: string, taken: number): InputError =>
  new InputError(
    "image/too-large",
    `${name}: expected an image whose decoder keeps to what its header says, found that it took ${megabytes(taken)} MB; ` +
      "it was stopped. Store the image anew.",
    { name, taken: megabytes(taken) },
  );

export const tooSlow = (name: string, milliseconds: number): InputError =>
  new InputError(
    "image/too-slow",
    `${name}: expected an image that is decoded within ${milliseconds / 1000} s, found one that is not; it was stopped. ` +
      "Store it anew, or make it smaller.",
    { name, milliseconds },
  );

export const readTooSlow = (name: string, milliseconds: number): InputError =>
  new InputError(
    "image/unreadable",
    `${name}: expected a file that is read within ${milliseconds / 1000} s, found one that is not. Give a copy on another disk.`,
    { name, milliseconds },
  );

/** @param how what the system says of the process's end */
export const decoderEnded = (name: string, how: string): InputError =>
  new InputError(
    "image/decoder-ended",
    `${name}: expected the image's decoder to answer, but its process ended (${how}). Store the image anew.`,
    { name, how },
  );

export const badRaw = (detail: string): InputError =>
  new InputError("image/bad-raw", `raw pixels: ${detail}`, { detail });

export const unreachable = (name: string, detail: string, cause?: unknown): InputError =>
  new InputError("image/unreachable", `${name}: ${detail}`, { name, detail }, { cause });

/** @param found what is wrong with it, never its content */
export const badDataUrl = (found: string): InputError =>
  new InputError(
    "image/bad-data-url",
    `the data: URL: expected the bytes of an image of at most 25 MB (data:image/png;base64,...), found ${found}. Encode the file anew.`,
    { found },
  );

export const badConfig = (name: string, detail: string): ModelError =>
  new ModelError("image/bad-config", `${name}: ${detail}`, { name, detail });
