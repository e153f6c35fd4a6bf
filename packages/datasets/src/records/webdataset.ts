// Reads shards of webdataset and img2dataset: a tar file in which consecutive members with the same key form a sample.
// The key ends at the first dot of the base name; the rest is the extension, in lower case. Members in a folder `__x__`
// or without a dot are skipped (webdataset 1.0, tariterators.py).
import { InputError } from "@blip-ts/base";
import { createTarDecoder, type ParsedTarEntry } from "modern-tar";
import { depthOf, parseRecord } from "../bytes/json-pieces.ts";
import { decodeText } from "../bytes/decode-text.ts";
import { messageOf } from "../bytes/errors-of.ts";
import { fromReadable, joined, toReadable } from "../bytes/streams.ts";
import { badRow, damaged, tooDeep, tooLarge } from "../errors.ts";
import type { Bytes } from "../files.ts";
import type { DatasetLimits } from "../limits.ts";
import { wholeFile, type Place } from "../place.ts";
import type { RawRow } from "./raw-row.ts";

const imageSuffix = /^(?:(.+)\.)?(?:jpe?g|png|webp|gif|tiff?|avif|bmp)$/;
const textSuffix = /^(?:(.+)\.)?(?:txt|text|caption)$/;

interface Sample {
  readonly key: string;
  readonly place: Place;
  readonly fields: Map<string, unknown>;
  /** The fields of the .json member. Other members take precedence over them. */
  json: Readonly<Record<string, unknown>>;
  readonly suffixes: Set<string>;
  bytes: number;
  error?: InputError;
}

/** Splits a member's name: `dir/000012.seg.png` -> key `dir/000012`, suffix `seg.png`. */
export function memberName(name: string): { key: string; suffix: string } | undefined {
  const [, key, suffix] = /^((?:.*\/|)[^./][^.]*)\.([^/]+)$/.exec(name.replace(/^(?:\.\/)+/, "")) ?? [];
  if (key === undefined || suffix === undefined || /^__[^/]*__(?:$|\/)/.test(name)) return undefined;
  return { key, suffix: suffix.toLowerCase() };
}

/**
 * Yields the samples of a shard as rows.
 * @param others whether to keep members other than images, texts and JSON: as bytes, under their extension with its dot
 * @throws {InputError} `dataset/damaged` if the archive is broken or truncated
 */
export async function* shardRows(
  name: string,
  bytes: Bytes,
  limits: DatasetLimits,
  others = false,
): AsyncGenerator<RawRow> {
  let sample: Sample | undefined;
  for await (const entry of entries(name, bytes)) {
    const member = entry.header.type === "file" ? memberName(entry.header.name) : undefined;
    if (member === undefined) {
      await entry.body.cancel();
      continue;
    }
    if (sample?.key !== member.key) {
      if (sample !== undefined) yield finish(sample);
      sample = newSample(name, member.key);
    }
    await addMember(sample, member.suffix, entry, { limits, others });
  }
  if (sample !== undefined) yield finish(sample);
}

async function* entries(name: string, bytes: Bytes): AsyncGenerator<ParsedTarEntry> {
  try {
    yield* fromReadable(toReadable(bytes).pipeThrough(createTarDecoder({ strict: true })));
  } catch (error) {
    throw tarError(name, error);
  }
}

const tarError = (name: string, error: unknown): InputError =>
  error instanceof InputError ? error : damaged(wholeFile(name), "a tar archive", messageOf(error), error);

const newSample = (file: string, key: string): Sample => ({
  key,
  place: { file, unit: "sample", at: key },
  fields: new Map([["__key__", key]]),
  json: {},
  suffixes: new Set(),
  bytes: 0,
});

const finish = ({ place, fields, json, error }: Sample): RawRow =>
  error === undefined ? { place, record: { ...json, ...Object.fromEntries(fields) } } : { place, error };

/** Adds a member to its sample. An error belongs to the sample only; reading continues. */
async function addMember(
  sample: Sample,
  suffix: string,
  entry: ParsedTarEntry,
  { limits, others }: { readonly limits: DatasetLimits; readonly others: boolean },
): Promise<void> {
  const image = imageSuffix.exec(suffix);
  const text = textSuffix.exec(suffix);
  const isOther = image === null && text === null && suffix !== "json";
  if (isOther && !others) {
    await entry.body.cancel();
    return;
  }
  const { place } = sample;
  if (sample.error !== undefined) {
    await entry.body.cancel();
    return;
  }
  try {
    if (sample.suffixes.has(suffix))
      throw badRow(place, "one member of each extension", `".${suffix}" twice`);
    sample.suffixes.add(suffix);
    const option = image === null && !isOther ? "rowBytes" : "imageBytes";
    const { size } = entry.header;
    if (size > limits[option])
      throw tooLarge(place, `the bytes of ".${suffix}"`, size, limits[option], option);
    checkSample(sample, size, limits);
    const bytes = await bodyOf(place.file, entry);
    if (isOther) sample.fields.set(`.${suffix}`, bytes);
    else if (image !== null)
      sample.fields.set(image[1] ?? "image", { bytes, path: `${sample.key}.${suffix}` });
    else if (text !== null) sample.fields.set(text[1] ?? "caption", decodeText(place, bytes).trim());
    else sample.json = jsonMember(place, decodeText(place, bytes), limits);
  } catch (error) {
    if (!(error instanceof InputError) || error.code === "dataset/damaged") throw error;
    sample.error ??= error;
    await entry.body.cancel().catch(() => undefined);
  }
}

/** The bytes of a sample's members, as a multiple of an image's. */
const sampleImages = 4;

/** @throws {InputError} `dataset/too-large` if the sample's members take too much memory together */
function checkSample(sample: Sample, size: number, { imageBytes, columns }: DatasetLimits): void {
  sample.bytes += size;
  const most = sampleImages * imageBytes;
  if (sample.bytes > most)
    throw tooLarge(sample.place, "the bytes of all members", sample.bytes, most, "imageBytes");
  if (sample.suffixes.size > columns)
    throw tooLarge(sample.place, "a number of members", sample.suffixes.size, columns, "columns");
}

function jsonMember(place: Place, text: string, limits: DatasetLimits): Readonly<Record<string, unknown>> {
  if (depthOf(text) > limits.depth) throw tooDeep(place, limits.depth);
  return parseRecord(place, text);
}

/**
 * Reads a member. The size in the header was checked; the decoder returns exactly that much, or throws. @throws
 * {InputError} `dataset/damaged`
 */
async function bodyOf(file: string, { body }: ParsedTarEntry): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  try {
    for await (const part of fromReadable(body)) parts.push(part);
  } catch (error) {
    throw tarError(file, error);
  }
  return joined(parts);
}
