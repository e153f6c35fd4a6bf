// The safetensors reader: 8 bytes of header length, a JSON header, then the data. It is as strict as the reference
// implementation: tensors must cover the data section exactly, without overlaps or gaps. It also refuses repeated keys.
import { type ByteSource, nextTurn, schema } from "@blip-ts/base";
import { duplicateName, malformed, overLimit, quoted, truncated, unsupportedDType } from "./errors.ts";
import { decodeUtf8, readRange, readUint64, viewOf } from "./read-range.ts";
import {
  BYTES_PER_ELEMENT,
  elementCount,
  MAX_RANK,
  type Checkpoint,
  type CheckpointDType,
  type StoredTensor,
} from "./stored-tensor.ts";
import { parseStrictJson } from "./strict-json.ts";

/** The bytes before the header: its length as a little-endian 64-bit number. */
export const HEADER_LENGTH_BYTES = 8;

/** The largest header in bytes. A pre-training checkpoint of BLIP has some 300,000. */
export const MAX_HEADER_BYTES = 4_000_000;

/** The most tensors and notes in a header. A pre-training checkpoint of BLIP has some 2,000. */
export const MAX_ENTRIES = 100_000;

/** The entries processed per turn of the event loop: a few milliseconds of work. */
const ENTRIES_A_TURN = 5_000;

/** Nesting levels: the header, its entries, the two arrays in an entry. */
const MAX_HEADER_DEPTH = 3;

/** The most values in a header. A pre-training checkpoint of BLIP has about 15,000. */
const MAX_HEADER_ITEMS = 1_000_000;

/** The limits of a header: size in bytes, nesting levels, values. A file beyond them is refused. */
export const maxSafetensorsHeader = {
  bytes: MAX_HEADER_BYTES,
  depth: MAX_HEADER_DEPTH,
  items: MAX_HEADER_ITEMS,
} as const;

const DTYPES: ReadonlyMap<unknown, CheckpointDType> = new Map([
  ["F64", "float64"],
  ["F32", "float32"],
  ["F16", "float16"],
  ["BF16", "bfloat16"],
  ["I64", "int64"],
  ["I32", "int32"],
  ["I16", "int16"],
  ["I8", "int8"],
  ["U8", "uint8"],
  ["BOOL", "bool"],
]);

/**
 * Opens a safetensors file: reads its header and returns the byte ranges of its tensors.
 * @param source the file
 * @throws {ModelError} `checkpoint/truncated`, `checkpoint/malformed`, `checkpoint/limit`, `checkpoint/dtype`,
 * `checkpoint/duplicate`
 */
export async function readSafetensors(source: ByteSource): Promise<Checkpoint> {
  const header = await readHeader(source);
  const tensors = new Map<string, StoredTensor>();
  let metadata: Record<string, string> = {};
  const entries = Object.entries(header.json);
  expectEntries(source, entries.length);
  for (const [index, [name, entry]] of entries.entries()) {
    if (index % ENTRIES_A_TURN === ENTRIES_A_TURN - 1) await nextTurn();
    if (name === "__metadata__") metadata = readMetadata(source, entry);
    else tensors.set(name, readEntry(source, name, entry, header.dataStart));
  }
  checkTiling(source, [...tensors.values()], header.dataStart);
  return { format: "safetensors", tensors, metadata };
}

function expectEntries(source: ByteSource, count: number): void {
  if (count > MAX_ENTRIES)
    throw overLimit(source.name, "the number of entries of the safetensors header", count, MAX_ENTRIES);
}

async function readHeader(source: ByteSource): Promise<{ json: object; dataStart: number }> {
  const prefix = await readRange(source, 0, HEADER_LENGTH_BYTES, "the header length");
  const length = readUint64(viewOf(prefix), 0);
  if (length === undefined || length > MAX_HEADER_BYTES)
    throw overLimit(
      source.name,
      "the length of the safetensors header",
      length ?? "2^53 or more",
      MAX_HEADER_BYTES,
    );
  const bytes = await readRange(source, HEADER_LENGTH_BYTES, length, "the safetensors header");
  const text = decodeUtf8(bytes);
  if (text?.startsWith("{") !== true)
    throw malformed(source.name, "the safetensors header is not a JSON object");
  const limits = { depth: MAX_HEADER_DEPTH, items: MAX_HEADER_ITEMS, uniqueKeys: true };
  const parsed = await parseStrictJson(text, limits);
  if (!parsed.ok) {
    if (parsed.duplicate !== undefined) throw duplicateName(source.name, "the header key", parsed.duplicate);
    throw malformed(source.name, `the safetensors header cannot be used: ${parsed.reason}`);
  }
  if (!isRecord(parsed.value)) throw malformed(source.name, "the safetensors header is not a JSON object");
  return { json: parsed.value, dataStart: HEADER_LENGTH_BYTES + length };
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function readMetadata(source: ByteSource, value: unknown): Record<string, string> {
  if (!isRecord(value)) throw malformed(source.name, "__metadata__ is not an object of strings");
  expectEntries(source, Object.keys(value).length);
  const entries = Object.entries(value).map(([key, text]): [string, string] => {
    if (typeof text !== "string")
      throw malformed(source.name, `__metadata__ has a ${typeof text}, not a string`);
    return [key, text];
  });
  // fromEntries defines own properties, so a key named __proto__ stays a key.
  return Object.fromEntries(entries);
}

/** The dtype for messages. String() would fail on an object whose `toString` is not a function. */
const dtypeText = (dtype: unknown): string => (typeof dtype === "string" ? dtype : schema.shownValue(dtype));

const ENTRY_KEYS: ReadonlySet<string> = new Set(["dtype", "shape", "data_offsets"]);

function readEntry(source: ByteSource, name: string, entry: unknown, dataStart: number): StoredTensor {
  const bad = (detail: string) => malformed(source.name, `the header's entry ${quoted(name)} ${detail}`);
  if (!isRecord(entry)) throw bad("is not an object");
  if (Object.keys(entry).some((key) => !ENTRY_KEYS.has(key)))
    throw bad("has keys other than dtype, shape and data_offsets");
  const dtype = DTYPES.get(entry.dtype);
  if (dtype === undefined)
    throw unsupportedDType(source.name, name, dtypeText(entry.dtype), [...DTYPES.keys()].map(String));

  const shape = integers(entry.shape);
  if (shape === undefined || shape.length > MAX_RANK)
    throw bad(`has a shape that is not a list of at most ${MAX_RANK} integers from 0 to 2^53`);
  const [begin, end, ...more] = integers(entry.data_offsets) ?? [];
  if (begin === undefined || end === undefined || more.length > 0 || begin > end)
    throw bad("has data_offsets that are not two integers, the first not above the second");

  const count = elementCount(shape);
  const byteLength = count === undefined ? undefined : count * BYTES_PER_ELEMENT[dtype];
  if (byteLength === undefined || !Number.isSafeInteger(byteLength))
    throw bad("has more elements than can be counted");
  if (end - begin !== byteLength)
    throw bad(`is ${end - begin} bytes long, but ${dtype} [${shape.join(", ")}] needs ${byteLength}`);
  if (end > source.size - dataStart)
    throw truncated(source.name, `the tensor ${name}`, dataStart + end, source.size);
  return { name, dtype, shape, source, offset: dataStart + begin, byteLength };
}

function integers(value: unknown): number[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const isSize = (item: unknown): item is number => Number.isSafeInteger(item) && Number(item) >= 0;
  return value.every(isSize) ? value : undefined;
}

/** Checks that every byte of the data section belongs to exactly one tensor. */
function checkTiling(source: ByteSource, tensors: StoredTensor[], dataStart: number): void {
  const inOrder = tensors.sort((a, b) => a.offset - b.offset || a.byteLength - b.byteLength);
  let end = dataStart;
  for (const { name, offset, byteLength } of inOrder) {
    if (offset < end) throw malformed(source.name, `the tensor ${quoted(name)} overlaps another one`);
    if (offset > end)
      throw malformed(
        source.name,
        `${offset - end} bytes before the tensor ${quoted(name)} belong to no tensor`,
      );
    end = offset + byteLength;
  }
  if (end !== source.size)
    throw malformed(source.name, `${source.size - end} bytes at the end belong to no tensor`);
}
