// Reads the bytes of an image from any source. A file is checked before it is opened and before it is read: only
// regular files are opened, because opening a FIFO waits for a writer, and only images are read.
import { constants, type Stats } from "node:fs";
import { open, opendir, stat, type FileHandle } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { BlipError, shownUrl, type InputError, isDataUrl } from "@blip-ts/base";
import {
  notAnImage,
  notFound,
  tooLarge,
  unreachable,
  unreadable,
  unreadableFolder,
  unsupported,
} from "../../image/errors.ts";
import { dataUrlFile, givenBytes } from "../../image/given-bytes.ts";
import { sniff, sniffLength, type ImageFormat } from "../../image/sniff.ts";
import { fetchImage } from "./fetch-image.ts";
import type { BodyShare } from "./net/body-room.ts";

/** A path, an http(s), data or file URL, or the bytes of a file. */
export type EncodedInput = string | URL | Uint8Array | ArrayBuffer | Blob;

export interface EncodedImage {
  /** The image's name, for messages. */
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly format: ImageFormat;
}

/** The largest file that is read into memory, in bytes. */
const maxFileBytes = 256 * 1024 * 1024;

/**
 * @param isForeign true for a server's answer: the error names its kind, but does not quote its bytes
 * @throws {InputError} `image/not-an-image`, `image/unsupported`
 */
function formatOf(name: string, head: Uint8Array, isForeign = false): ImageFormat {
  const sniffed = sniff(head);
  if (sniffed.kind === "image") return sniffed.format;
  const found = isForeign
    ? sniffed.description.replace(/ \((?:".*"|(?:[0-9a-f]{2} ?)+)\)$/s, "")
    : sniffed.description;
  throw sniffed.kind === "unsupported" ? unsupported(name, found) : notAnImage(name, found);
}

function checkSize(name: string, size: number): void {
  if (size > maxFileBytes) throw tooLarge(name, `${size} bytes`, `${maxFileBytes} bytes`);
}

/** @throws {InputError} `image/not-found` */
function pathOf(fileUrl: string): string {
  try {
    return fileURLToPath(fileUrl);
  } catch (error) {
    throw notFound(fileUrl, error instanceof Error ? error.message : String(error), error);
  }
}

/** The system's code of an error. */
const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error ? String(error.code) : "unknown error";

/**
 * The file may have been replaced since it was checked; opening its replacement (a FIFO, for example) must not block.
 */
const openFlags = constants.O_RDONLY | ((constants as { O_NONBLOCK?: number }).O_NONBLOCK ?? 0);

/** The error for a path that cannot be opened. */
function cannotOpen(path: string, error: unknown): InputError {
  const code = codeOf(error);
  const isAbsent = code === "ENOENT" || code === "ENOTDIR";
  // Node puts U+FFFD in place of bytes that are not valid UTF-8.
  const isOtherwise = isAbsent && path.includes("\uFFFD");
  const found = isOtherwise
    ? "its name has bytes that are no UTF-8: rename it"
    : isAbsent
      ? undefined
      : `it cannot be opened (${code})`;
  return notFound(path, found, error);
}

/**
 * @throws {InputError} `image/not-found` if it is not a regular file, `image/unreadable` for a folder that cannot be
 * read
 */
async function checkRegular(path: string, stats: Stats): Promise<void> {
  if (stats.isFile()) return;
  if (!stats.isDirectory()) throw notFound(path, "it is not a regular file");
  try {
    await (await opendir(path)).close();
  } catch (error) {
    throw unreadableFolder(path, codeOf(error), error);
  }
  throw notFound(path, "it is a folder");
}

async function readOpened(name: string, file: FileHandle): Promise<EncodedImage> {
  const found = await file.stat();
  await checkRegular(name, found);
  const head = new Uint8Array(sniffLength);
  const { bytesRead } = await file.read(head, 0, sniffLength, 0);
  const format = formatOf(name, head.subarray(0, bytesRead));
  checkSize(name, found.size);
  return { name, bytes: await file.readFile(), format };
}

async function readImageFile(path: string, name: string): Promise<EncodedImage> {
  let file: FileHandle;
  try {
    await checkRegular(name, await stat(path));
    file = await open(path, openFlags);
  } catch (error) {
    throw error instanceof BlipError ? error : cannotOpen(name, error);
  }
  try {
    return await readOpened(name, file);
  } catch (error) {
    throw error instanceof BlipError ? error : unreadable(name, codeOf(error), error);
  } finally {
    await file.close().catch(() => undefined);
  }
}

/** The path of an input that is a local file; otherwise undefined. @throws {InputError} `image/not-found` */
export function pathOfImage(input: EncodedInput): string | undefined {
  if (typeof input !== "string" && !(input instanceof URL)) return undefined;
  const text = String(input);
  if (/^https?:/i.test(text) || isDataUrl(text)) return undefined;
  return /^file:/i.test(text) ? pathOf(text) : text;
}

export interface ReadImageOptions {
  readonly signal?: AbortSignal | undefined;
  /** The file's name in messages; by default its path. */
  readonly called?: string | undefined;
  readonly allowPrivateRedirects?: boolean | undefined;
  /** This image's share of the byte budget for fetched images. */
  readonly share?: BodyShare | undefined;
}

/**
 * @throws {InputError} `image/not-found`, `image/unreadable`, `image/not-an-image`, `image/unsupported`,
 * `image/too-large`, `image/unreachable`
 */
export async function readImage(
  input: EncodedInput,
  { signal, called, allowPrivateRedirects, share }: ReadImageOptions = {},
): Promise<EncodedImage> {
  if (typeof input === "string" || input instanceof URL) {
    const path = pathOfImage(input);
    if (path !== undefined) return readImageFile(path, called ?? path);
    const text = String(input);
    if (isDataUrl(text)) return dataUrlImage(text);
    const bytes = await fetchImage(text, { signal, allowPrivateRedirects, share });
    const name = shownUrl(text);
    return { name, bytes, format: formatOf(name, bytes.subarray(0, sniffLength), true) };
  }
  const name = called ?? (input instanceof Blob && "name" in input ? String(input.name) : "the image");
  checkSize(name, input instanceof Blob ? input.size : input.byteLength);
  const bytes = givenBytes(input instanceof Uint8Array ? input : await bufferOf(name, input));
  return { name, bytes, format: formatOf(name, bytes.subarray(0, sniffLength)) };
}

/** @throws {InputError} `image/bad-data-url`, `image/not-an-image`, `image/unsupported` */
function dataUrlImage(text: string): EncodedImage {
  const { name, bytes } = dataUrlFile(text);
  return { name, bytes, format: formatOf(name, bytes.subarray(0, sniffLength)) };
}

async function bufferOf(name: string, input: ArrayBuffer | Blob): Promise<ArrayBuffer> {
  if (!(input instanceof Blob)) return input;
  try {
    return await input.arrayBuffer();
  } catch (error) {
    // The file behind a Blob has changed or is gone.
    const detail = error instanceof Error ? error.message : String(error);
    throw unreachable(name, `its bytes cannot be read (${detail})`, error);
  }
}
