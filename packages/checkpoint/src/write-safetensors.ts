// Writes a safetensors file from tensors stored elsewhere, chunk by chunk: only one chunk is in memory. See
// https://huggingface.co/docs/safetensors
import type { ByteSource } from "@blip-ts/base";
import { readFailed } from "./errors.ts";
import { readRange } from "./read-range.ts";
import {
  BYTES_PER_ELEMENT,
  readTensorBytes,
  type CheckpointDType,
  type StoredTensor,
} from "./stored-tensor.ts";

const DTYPE_NAMES: Readonly<Record<CheckpointDType, string>> = {
  float64: "F64",
  float32: "F32",
  float16: "F16",
  bfloat16: "BF16",
  int64: "I64",
  int32: "I32",
  int16: "I16",
  int8: "I8",
  uint8: "U8",
  bool: "BOOL",
};

/** The most bytes per read. */
const CHUNK = 2 ** 24;

/** A tensor whose bytes are computed while the file is written. */
export interface MadeTensor {
  readonly dtype: CheckpointDType;
  readonly shape: readonly number[];
  readonly byteLength: number;
  /** All bytes, little-endian and in row-major order, in chunks. */
  bytes(): AsyncIterable<Uint8Array>;
}

/** The tensors of a file to write. */
export type WritableTensors = ReadonlyMap<string, StoredTensor | MadeTensor>;

/** The layout of the file: its header, and its tensors in order. */
function layoutOf(tensors: WritableTensors, metadata: Readonly<Record<string, string>>) {
  // Wider elements come first, so that each tensor is aligned to its type.
  const order = [...tensors].sort(
    ([nameA, a], [nameB, b]) =>
      BYTES_PER_ELEMENT[b.dtype] - BYTES_PER_ELEMENT[a.dtype] || (nameA < nameB ? -1 : 1),
  );
  let offset = 0;
  const entries = order.map(([name, { dtype, shape, byteLength }]) => {
    const data_offsets = [offset, offset + byteLength];
    offset += byteLength;
    return [name, { dtype: DTYPE_NAMES[dtype], shape, data_offsets }] as const;
  });
  const header = JSON.stringify({
    __metadata__: { format: "pt", ...metadata },
    ...Object.fromEntries(entries),
  });
  const bytes = new TextEncoder().encode(header);
  const padded = Math.ceil(bytes.length / 8) * 8;
  const start = new Uint8Array(8 + padded).fill(0x20);
  new DataView(start.buffer).setBigUint64(0, BigInt(padded), true);
  start.set(bytes, 8);
  return { start, order: order.map(([, tensor]) => tensor), size: start.length + offset };
}

const bytesOf = (tensor: StoredTensor | MadeTensor) =>
  "bytes" in tensor ? tensor.bytes() : tensorBytes(tensor);

/**
 * The bytes of a safetensors file.
 * @param tensors the tensors by their names in the file
 * @param metadata further entries beside `format`, which transformers requires
 */
export async function* safetensorsBytes(
  tensors: WritableTensors,
  metadata: Readonly<Record<string, string>> = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const { start, order } = layoutOf(tensors, metadata);
  yield start;
  for (const tensor of order) yield* bytesOf(tensor);
}

/**
 * A virtual safetensors file: its bytes are made when they are read. Only the tensor of the last read is in memory.
 * @param name for messages
 * @param tensors as for `safetensorsBytes`; their values must not change while the file is read
 */
export function safetensorsSource(
  name: string,
  tensors: WritableTensors,
  metadata: Readonly<Record<string, string>> = {},
): ByteSource {
  const { start, order, size } = layoutOf(tensors, metadata);
  let made: { readonly tensor: StoredTensor | MadeTensor; readonly bytes: Uint8Array } | undefined;
  const whole = async (tensor: StoredTensor | MadeTensor): Promise<Uint8Array> => {
    if (made?.tensor === tensor) return made.bytes;
    const bytes = new Uint8Array(tensor.byteLength);
    let written = 0;
    for await (const piece of bytesOf(tensor)) {
      bytes.set(piece, written);
      written += piece.length;
    }
    made = { tensor, bytes };
    return bytes;
  };
  return {
    name,
    size,
    async read(offset, length) {
      if (!(offset >= 0 && length >= 0 && offset + length <= size))
        throw readFailed(name, offset, length, size);
      const result = new Uint8Array(length);
      /** Copies the requested bytes of a part that begins at `from`. */
      const put = (from: number, bytes: Uint8Array) => {
        const [first, end] = [Math.max(offset, from), Math.min(offset + length, from + bytes.length)];
        if (first < end) result.set(bytes.subarray(first - from, end - from), first - offset);
      };
      put(0, start);
      let from = start.length;
      for (const tensor of order) {
        const end = from + tensor.byteLength;
        if (from < offset + length && end > offset) put(from, await whole(tensor));
        from = end;
      }
      return result;
    },
  };
}

/** The bytes of a tensor in row-major order, chunk by chunk. */
export async function* tensorBytes(tensor: StoredTensor): AsyncGenerator<Uint8Array, void, undefined> {
  if (tensor.strides) {
    // The chunks have the usual size, so that two tensors can be compared.
    const bytes = await readTensorBytes(tensor);
    for (let done = 0; done < bytes.length; done += CHUNK) yield bytes.subarray(done, done + CHUNK);
    return;
  }
  for (let done = 0; done < tensor.byteLength; done += CHUNK) {
    const length = Math.min(CHUNK, tensor.byteLength - done);
    yield await readRange(tensor.source, tensor.offset + done, length, tensor.name);
  }
}

/** Whether two tensors have the same values, type and shape. */
export async function sameTensor(a: StoredTensor, b: StoredTensor): Promise<boolean> {
  if (a.dtype !== b.dtype || a.shape.join() !== b.shape.join()) return false;
  if (a.source === b.source && a.offset === b.offset && !a.strides && !b.strides) return true;
  const others = tensorBytes(b);
  for await (const chunk of tensorBytes(a)) {
    const { value } = await others.next();
    if (!value || chunk.length !== value.length || chunk.some((byte, index) => byte !== value[index]))
      return false;
  }
  return true;
}
