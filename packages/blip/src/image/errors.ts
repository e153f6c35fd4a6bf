// What can be wrong with pictures: one factory a failure. Codes are `image/...`.
import { InputError, ModelError } from "../errors.ts";

export const notFound = (name: string): InputError =>
  new InputError("image/not-found", `${name}: there is no such file`, { name });

export const notAnImage = (name: string, found: string, cause?: unknown): InputError =>
  new InputError(
    "image/not-an-image",
    `${name}: expected a picture (JPEG, PNG, WebP, GIF, AVIF, TIFF), found ${found}`,
    { name, found },
    { cause },
  );

export const truncated = (name: string, detail: string, cause?: unknown): InputError =>
  new InputError(
    "image/truncated",
    `${name}: the picture ends too early or is damaged (${detail}): get the file again`,
    { name, detail },
    { cause },
  );

export const tooLarge = (name: string, width: number, height: number, limit: number): InputError =>
  new InputError(
    "image/too-large",
    `${name}: ${width} x ${height} pixels are more than the limit of ${limit}; it was not decoded. Make it smaller.`,
    { name, width, height, limit },
  );

export const badRaw = (detail: string): InputError =>
  new InputError("image/bad-raw", `raw pixels: ${detail}`, { detail });

export const unreachable = (name: string, detail: string, cause?: unknown): InputError =>
  new InputError("image/unreachable", `${name}: ${detail}`, { name, detail }, { cause });

export const badConfig = (name: string, detail: string): ModelError =>
  new ModelError("image/bad-config", `${name}: ${detail}`, { name, detail });
