// The package's entry point. It detects a checkpoint's format from the first bytes, and describes files that are not
// checkpoints.
import { must, type ByteSource } from "@blip-ts/base";
import { unknownFormat, unsupported } from "./errors.ts";
import { decodeUtf8, readRange, readUint64, viewOf } from "./read-range.ts";
import { HEADER_LENGTH_BYTES, MAX_HEADER_BYTES, readSafetensors } from "./safetensors.ts";
import type { Checkpoint } from "./stored-tensor.ts";
import { readTorchLegacy } from "./torch/legacy.ts";
import { readTorchZip } from "./torch/zip.ts";

/** Enough bytes for every signature below. The signature of tar is at byte 257. */
const PROBE_BYTES = 512;

/** Signatures of other formats, their names, and advice. */
const OTHERS: readonly (readonly [signature: string, found: string, advice: string])[] = [
  ["\x1f\x8b", "a gzip file", "Unpack it first."],
  ["\x89HDF", "an HDF5 file", "Keras and TensorFlow weights are not supported."],
  ["GGUF", "a GGUF file", "Use the original checkpoint or its safetensors."],
  ["\x93NUMPY", "a NumPy array", "Use the original checkpoint or its safetensors."],
  ["7z\xbc\xaf", "a 7-Zip archive", "Unpack it first."],
];

/**
 * Opens a checkpoint of any format without reading weights.
 * @param source a safetensors file, or a file from torch.save (zip archive or legacy stream)
 * @throws {ModelError} `checkpoint/unknown-format`, which names the file's actual kind, and the readers' errors
 */
export async function openCheckpoint(source: ByteSource): Promise<Checkpoint> {
  const head = await readRange(source, 0, Math.min(source.size, PROBE_BYTES), "the beginning");
  if (startsWith(head, "PK\x03\x04") || startsWith(head, "PK\x05\x06")) return readTorchZip(source);
  if (head[0] === 0x80 && (head.length < 2 || must(head, 1) <= 5)) return readTorchLegacy(source);
  if (looksLikeSafetensors(head)) return readSafetensors(source);
  if (startsWith(head, "ustar", 257))
    throw unsupported(
      source.name,
      "this is a tar archive, the format of PyTorch before 0.1.10 (or a packed folder)",
      "Unpack it, or open it in PyTorch and save it again.",
    );
  const [found, advice] = describeOther(head, source.size);
  throw unknownFormat(source.name, found, advice);
}

const startsWith = (bytes: Uint8Array, signature: string, at = 0): boolean =>
  bytes.length >= at + signature.length &&
  Array.from(signature).every((character, index) => bytes[at + index] === character.charCodeAt(0));

function looksLikeSafetensors(head: Uint8Array): boolean {
  if (head.length <= HEADER_LENGTH_BYTES || head[HEADER_LENGTH_BYTES] !== 0x7b) return false;
  const length = readUint64(viewOf(head), 0);
  return length !== undefined && length <= MAX_HEADER_BYTES;
}

function describeOther(head: Uint8Array, size: number): readonly [found: string, advice: string] {
  if (size === 0)
    return ["an empty file", "The download did not finish, or the path is not the one you mean."];
  for (const [signature, description, advice] of OTHERS)
    if (startsWith(head, signature)) return [description, advice];
  const text = readableText(head);
  if (text === undefined) return [`${size} bytes of another kind`, "Give the path of the weights file."];
  const start = text.trimStart().toLowerCase();
  if (start.startsWith("version https://git-lfs"))
    return [
      "a Git LFS pointer",
      "The weights were not fetched: run `git lfs pull`, or download the file itself.",
    ];
  if (/^(?:<!doctype html|<html|<head|<body)/.test(start))
    return ["an HTML page", "The download gave a web page, often a log-in or an error, instead of the file."];
  if (start.startsWith("<?xml"))
    return ["an XML text", "Often this is an error message of a storage service."];
  if (start.startsWith("{") || start.startsWith("["))
    return [
      "a JSON text",
      "Give the weights file, or the folder that holds it, not its configuration or index.",
    ];
  return ["a text", "Give the path of the weights file."];
}

/** The probe as text, if it is text. A character that the end of the probe cuts off is dropped. */
function readableText(head: Uint8Array): string | undefined {
  for (let cut = 0; cut < 4 && cut < head.length; cut++) {
    const text = decodeUtf8(head.subarray(0, head.length - cut));

    if (text !== undefined) return /[\0-\x08\x0e-\x1f]/.test(text) ? undefined : text.replace(/^\uFEFF/, "");
  }
  return undefined;
}
