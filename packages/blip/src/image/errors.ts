// Error factories for images. Codes: `image/...`.
import { InputError, ModelError, type Warning } from "@blip-ts/base";

/** The formats that `decodeImage` reads. */
export const readable = "JPEG, PNG, WebP, GIF, AVIF or TIFF";

/**
 * There is no such image file, or the path leads to a folder.
 * @remedy Check the path; give a folder's images one by one.
 */
export const notFound = (name: string, found = "there is no such file", cause?: unknown): InputError =>
  new InputError(
    "image/not-found",
    `${name}: expected the file of an image, but ${found}. Check the path; a folder's images are given one by one.`,
    { name, found },
    { cause },
  );

/**
 * Reading the image file failed.
 * @remedy Give a readable copy.
 * @param detail the system's description of the failure
 */
export const unreadable = (name: string, detail: string, cause?: unknown): InputError =>
  new InputError(
    "image/unreadable",
    `${name}: expected an image that can be read, but reading it failed (${detail}). Give a copy of it that can be read.`,
    { name, detail },
    { cause },
  );

/**
 * Listing the folder's images failed.
 * @remedy Change its permissions, or leave it out.
 */
export const unreadableFolder = (name: string, detail: string, cause?: unknown): InputError =>
  new InputError(
    "image/unreadable",
    `${name}: expected a folder whose images can be listed, but reading it failed (${detail}). ` +
      "Change its permissions, or leave it out.",
    { name, detail },
    { cause },
  );

/**
 * The bytes are not an image, whatever the file's name.
 * @remedy Give a JPEG, PNG, WebP, GIF, AVIF or TIFF.
 */
export const notAnImage = (name: string, found: string): InputError =>
  new InputError(
    "image/not-an-image",
    `${name}: expected an image (${readable}), got ${found}. The bytes decide, not the name: give another file.`,
    { name, found },
  );

/**
 * The image has a format, or a variant of one, that is not supported.
 * @remedy Convert it to PNG or JPEG.
 */
export const unsupported = (name: string, found: string, cause?: unknown): InputError =>
  new InputError(
    "image/unsupported",
    `${name}: expected an image that can be read here (${readable}), got ${found}. Convert it to PNG or JPEG.`,
    { name, found },
    { cause },
  );

/**
 * The image ends too early, or is damaged.
 * @remedy Get the file again.
 */
export const truncated = (name: string, detail: string, cause?: unknown): InputError =>
  new InputError(
    "image/truncated",
    `${name}: expected a whole image, but it ends too early or is damaged (${detail}). Get the file again.`,
    { name, detail },
    { cause },
  );

/**
 * The image's file is larger than the limit; it was not read.
 * @remedy Make it smaller.
 */
export const tooLarge = (name: string, found: string, limit: string): InputError =>
  new InputError(
    "image/too-large",
    `${name}: expected a file of at most ${limit}, got ${found}; it was not read. Make it smaller.`,
    { name, found, limit },
  );

const sizeOf = (width: number, height: number) => `${width} x ${height} pixels`;

/**
 * The image has more pixels than `maxPixels`; it was not decoded.
 * @remedy Make it smaller, or raise `maxPixels` (`--max-pixels`) if you trust it.
 */
export const tooManyPixels = (name: string, width: number, height: number, maxPixels: number): InputError =>
  new InputError(
    "image/too-large",
    `${name}: expected at most ${maxPixels} pixels, got ${sizeOf(width, height)}; it was not decoded. ` +
      "Make it smaller, or raise maxPixels if you trust it.",
    { name, width, height, maxPixels },
  );

/**
 * A side of the image is longer than the limit; it was not decoded.
 * @remedy Make it smaller.
 */
export const sideTooLong = (name: string, width: number, height: number, maxSide: number): InputError =>
  new InputError(
    "image/too-large",
    `${name}: expected at most ${maxSide} pixels per side, got ${sizeOf(width, height)}; it was not decoded. Make it smaller.`,
    { name, width, height, maxSide },
  );

/**
 * The image's file is far smaller than its pixels need, like a decompression bomb; it was not decoded.
 * @remedy Make it smaller, or store it as a JPEG.
 */
export const tooDense = (
  name: string,
  { width, height, bytes }: { readonly width: number; readonly height: number; readonly bytes: number },
): InputError =>
  new InputError(
    "image/too-large",
    `${name}: expected an image whose file is as large as its pixels need, got ${sizeOf(width, height)} in ${bytes} bytes; ` +
      "it was not decoded. Make it smaller, or store it as a JPEG.",
    { name, width, height, bytes },
  );

/**
 * A progressive JPEG has more scans than the limit; it was not decoded.
 * @remedy Store it again.
 */
export const manyScans = (name: string, most: number): InputError =>
  new InputError(
    "image/too-large",
    `${name}: expected at most ${most} scans of a progressive JPEG, got more; it was not decoded. Store it again.`,
    { name, most },
  );

/**
 * The file holds more images than the limit; it was not decoded.
 * @remedy Give the first one alone.
 */
export const manyFrames = (name: string, most: number): InputError =>
  new InputError(
    "image/too-large",
    `${name}: expected at most ${most} images in one file, got more; it was not decoded. Give the first one alone.`,
    { name, most },
  );

const megabytes = (bytes: number) => Math.ceil(bytes / 1e6);

/**
 * Decoding the image would take more memory than `memory` allows.
 * @remedy Make it smaller, or raise `memory` (`--memory`).
 * @param needed bytes that decoding takes
 * @param memory bytes of the sufficient bound; undefined if it must not be revealed
 */
export const tooMuchMemory = (name: string, needed: number, memory: number | undefined): InputError =>
  new InputError(
    "image/too-large",
    `${name}: expected an image that decodes within the memory bound, got one that needs ${megabytes(needed)} MB; ` +
      `it was not decoded. Make it smaller${memory === undefined ? "" : `, or give memory: ${megabytes(memory)}`}.`,
    { name, needed: megabytes(needed), ...(memory !== undefined && { memory: megabytes(memory) }) },
  );

/**
 * Decoding the image took far more memory than its header declares; it was stopped.
 * @remedy Store the image again.
 */
export const outOfBounds = (name: string, taken: number): InputError =>
  new InputError(
    "image/too-large",
    `${name}: expected an image that decodes within the memory its header declares, got one that took ${megabytes(taken)} MB; ` +
      "it was stopped. Store the image again.",
    { name, taken: megabytes(taken) },
  );

/**
 * Decoding the image took too long; it was stopped.
 * @remedy Store it again, or make it smaller.
 */
export const tooSlow = (name: string, milliseconds: number): InputError =>
  new InputError(
    "image/too-slow",
    `${name}: expected an image that decodes within ${milliseconds / 1000} s, got one that takes longer; it was stopped. ` +
      "Store it again, or make it smaller.",
    { name, milliseconds },
  );

/**
 * Reading the image file took too long.
 * @remedy Give a copy on another disk.
 */
export const readTooSlow = (name: string, milliseconds: number): InputError =>
  new InputError(
    "image/unreadable",
    `${name}: expected a file that is read within ${milliseconds / 1000} s, got one that takes longer. Give a copy on another disk.`,
    { name, milliseconds },
  );

/**
 * The process that decodes the image ended.
 * @remedy Store the image again.
 * @param how the system's description of the process's end
 */
export const decoderEnded = (name: string, how: string): InputError =>
  new InputError(
    "image/decoder-ended",
    `${name}: expected the image's decoder to answer, but its process ended (${how}). Store the image again.`,
    { name, how },
  );

/**
 * Raw pixels have a size, channels or a type that does not match their bytes.
 * @remedy Correct the value that the message names.
 */
export const badRaw = (detail: string): InputError =>
  new InputError("image/bad-raw", `raw pixels: ${detail}`, { detail });

/**
 * The image's address cannot be fetched.
 * @remedy Check the address and the network.
 */
export const unreachable = (name: string, detail: string, cause?: unknown): InputError =>
  new InputError("image/unreachable", `${name}: ${detail}`, { name, detail }, { cause });

/**
 * A data: URL does not hold the bytes of an image.
 * @remedy Encode the file again.
 * @param found the fault of the URL, never its content
 */
export const badDataUrl = (found: string): InputError =>
  new InputError(
    "image/bad-data-url",
    `the data: URL: expected the bytes of an image of at most 25 MB (data:image/png;base64,...), got ${found}. Encode the file again.`,
    { found },
  );

/**
 * preprocessor_config.json holds an unusable value.
 * @remedy Give the preprocessor_config.json that belongs to these weights.
 */
export const badConfig = (name: string, detail: string): ModelError =>
  new ModelError("image/bad-config", `${name}: ${detail}`, { name, detail });

/**
 * A 16-bit grey image was clipped at 255, as Pillow does.
 * @remedy For its full range use `grey16: "scale"` (`--grey16 scale`).
 */
export const grey16Clipped = (name: string): Warning => ({
  code: "image/grey16-clipped",
  message: `${name}: a 16-bit grey image is clipped at 255, as Pillow does. Use grey16: "scale" for its full range.`,
});

/**
 * The browser dropped the colours under transparent pixels, which `alpha: "drop"` uses.
 * @remedy Convert the image to PNG, which blip-ts decodes itself.
 */
export const hiddenColoursLost = (name: string, format: string): Warning => ({
  code: "image/hidden-colours-lost",
  message: `${name}: browsers drop the colours under transparent pixels of ${format}, which this mode uses; convert it to PNG`,
});

/**
 * The embedded model, which knows only drawings, got an image that looks like a photograph.
 * @remedy Name a model of photographs, such as Salesforce/blip-itm-base-flickr (`model`).
 */
export const embeddedDrawings = (): Warning => ({
  code: "model/embedded-drawings",
  message:
    "picture-book, the embedded model, knows drawings of everyday things, and this image looks like a photograph: its " +
    "answers about it mean little. Name a model of photographs, such as Salesforce/blip-itm-base-flickr (model).",
});
