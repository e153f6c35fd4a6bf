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

export const badRaw = (detail: string): InputError =>
  new InputError("image/bad-raw", `raw pixels: ${detail}`, { detail });

export const unreachable = (name: string, detail: string, cause?: unknown): InputError =>
  new InputError("image/unreachable", `${name}: ${detail}`, { name, detail }, { cause });

export const badConfig = (name: string, detail: string): ModelError =>
  new ModelError("image/bad-config", `${name}: ${detail}`, { name, detail });
