// The bytes of a picture, wherever they lie. A file is looked at before it is read: only pictures are.
import { open } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { notAnImage, notFound, tooLarge, unsupported } from "../../image/errors.ts";
import { sniff, sniffLength, type PictureFormat } from "../../image/sniff.ts";
import { fetchImage } from "./fetch-image.ts";

/** A path, an http(s) or file URL, or the bytes of a file. */
export type EncodedInput = string | URL | Uint8Array | ArrayBuffer | Blob;

export interface EncodedPicture {
  /** For messages. */
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly format: PictureFormat;
}

/** Largest file that is read into memory. */
const maxFileBytes = 256 * 1024 * 1024;

/** @throws {InputError} `image/not-an-image`, `image/unsupported` */
function formatOf(name: string, head: Uint8Array): PictureFormat {
  const sniffed = sniff(head);
  if (sniffed.kind === "picture") return sniffed.format;
  throw sniffed.kind === "unsupported" ? unsupported(name, sniffed.found) : notAnImage(name, sniffed.found);
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

async function readPictureFile(path: string): Promise<EncodedPicture> {
  const file = await open(path).catch((error: unknown) => {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown error";
    const found = code === "ENOENT" || code === "ENOTDIR" ? undefined : `it cannot be opened (${code})`;
    throw notFound(path, found, error);
  });
  try {
    const found = await file.stat();
    if (found.isDirectory()) throw notFound(path, "it is a folder");
    if (!found.isFile()) throw notFound(path, "it is not a regular file");
    const head = new Uint8Array(sniffLength);
    const { bytesRead } = await file.read(head, 0, sniffLength, 0);
    const format = formatOf(path, head.subarray(0, bytesRead));
    checkSize(path, found.size);
    return { name: path, bytes: await file.readFile(), format };
  } finally {
    await file.close();
  }
}

/**
 * @throws {InputError} `image/not-found`, `image/not-an-image`, `image/unsupported`, `image/too-large`,
 * `image/unreachable`
 */
export async function readPicture(
  input: EncodedInput,
  signal: AbortSignal | undefined,
): Promise<EncodedPicture> {
  if (typeof input === "string" || input instanceof URL) {
    const text = String(input);
    if (!/^https?:/i.test(text)) {
      return readPictureFile(/^file:/i.test(text) ? pathOf(text) : text);
    }
    const bytes = await fetchImage(text, signal);
    return { name: text, bytes, format: formatOf(text, bytes.subarray(0, sniffLength)) };
  }
  const name = input instanceof Blob && "name" in input ? String(input.name) : "the picture";
  checkSize(name, input instanceof Blob ? input.size : input.byteLength);
  const bytes = input instanceof Uint8Array ? input : new Uint8Array(await bufferOf(input));
  return { name, bytes, format: formatOf(name, bytes.subarray(0, sniffLength)) };
}

const bufferOf = (input: ArrayBuffer | Blob): ArrayBuffer | Promise<ArrayBuffer> =>
  input instanceof Blob ? input.arrayBuffer() : input;
