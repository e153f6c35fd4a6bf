// An opened checkpoint: names, shapes and byte ranges. Only `readTensorBytes` reads weights.
import { last, missed, must, type ByteSource } from "@blip-ts/base";
import { malformed, overLimit, quoted } from "./errors.ts";
import { readRange } from "./read-range.ts";

/** The supported element types, with the bytes per element. */
export const BYTES_PER_ELEMENT = {
  float64: 8,
  float32: 4,
  float16: 2,
  bfloat16: 2,
  int64: 8,
  int32: 4,
  int16: 2,
  int8: 1,
  uint8: 1,
  bool: 1,
} as const;

export type CheckpointDType = keyof typeof BYTES_PER_ELEMENT;

/** A tensor of a file, as a byte range. */
export interface StoredTensor {
  readonly name: string;
  readonly dtype: CheckpointDType;
  readonly shape: readonly number[];
  /** The file with the tensor's bytes. */
  readonly source: ByteSource;
  /** The byte offset of the first element in `source`. */
  readonly offset: number;
  /** The bytes of the whole tensor when contiguous (also if `strides` is present). */
  readonly byteLength: number;
  /** Strides in elements; present only if the elements are not contiguous in row-major order. */
  readonly strides?: readonly number[];
}

export type CheckpointFormat = "safetensors" | "torch-zip" | "torch-legacy";

/** An opened checkpoint. */
export interface Checkpoint {
  readonly format: CheckpointFormat;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** The most dimensions of a tensor (PyTorch's own limit). */
export const MAX_RANK = 64;

/** The most bytes that `readTensorBytes` reads or makes for one tensor. BLIP's largest has 94 MB. */
export const MAX_TENSOR_BYTES = 2 ** 30;

/** The product of the dimensions; undefined if it is not a safe integer. */
export function elementCount(shape: readonly number[]): number | undefined {
  let count = 1;
  for (const size of shape) {
    count *= size;
    if (!Number.isSafeInteger(count) || size < 0) return undefined;
  }
  return count;
}

/** Whether strides (in elements) describe row-major order without gaps. Dimensions of size 1 may have any stride. */
export function isContiguous(shape: readonly number[], strides: readonly number[]): boolean {
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const size = must(shape, axis);
    if (size === 0) return true;
    if (size !== 1 && strides[axis] !== expected) return false;
    expected *= size;
  }
  return true;
}

/**
 * The index of the last element that strides can reach from the first. It may be Infinity or unsafe if the sizes are.
 */
export const lastElement = (shape: readonly number[], strides: readonly number[]): number =>
  shape.reduce((last, size, axis) => last + (size - 1) * must(strides, axis, "stride"), 0);

/**
 * Reads a tensor's elements, contiguous and little-endian, into a buffer aligned to the element.
 * @param tensor a tensor of an opened checkpoint
 * @param limits `maxBytes`: the most bytes to read or to make; default `MAX_TENSOR_BYTES`
 * @throws {ModelError} `checkpoint/limit`, `checkpoint/truncated`, `checkpoint/malformed`
 */
export async function readTensorBytes(
  tensor: StoredTensor,
  limits: { readonly maxBytes?: number } = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const { name, source, shape, strides, byteLength } = tensor;
  const maxBytes = limits.maxBytes ?? MAX_TENSOR_BYTES;
  const width = BYTES_PER_ELEMENT[tensor.dtype];
  const count = elementCount(shape);
  if (count === undefined || count * width !== byteLength)
    throw malformed(
      source.name,
      `${quoted(name)} has the shape [${shape.join(", ")}] and ${byteLength} bytes`,
    );
  if (byteLength > maxBytes)
    throw overLimit(source.name, `the size of ${quoted(name)} in bytes`, byteLength, maxBytes);
  if (byteLength === 0) return new Uint8Array(0);
  if (strides === undefined) return aligned(await readRange(source, tensor.offset, byteLength, name), width);

  const wellFormed =
    strides.length === shape.length && strides.every((stride) => Number.isSafeInteger(stride) && stride >= 0);
  if (!wellFormed) throw malformed(source.name, `${quoted(name)} has the strides [${strides.join(", ")}]`);
  const span = (lastElement(shape, strides) + 1) * width;
  if (!(span <= maxBytes))
    throw overLimit(source.name, `the region that ${quoted(name)} is spread over, in bytes,`, span, maxBytes);
  return gather(await readRange(source, tensor.offset, span, name), shape, strides, width);
}

const aligned = (bytes: Uint8Array<ArrayBuffer>, width: number): Uint8Array<ArrayBuffer> =>
  bytes.byteOffset % width === 0 ? bytes : bytes.slice();

const ARRAY_OF_WIDTH = { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array, 8: BigUint64Array } as const;

/**
 * Copies strided elements of `bytes` (the first element at 0) into row-major order, moving each element as one word.
 */
function gather(
  bytes: Uint8Array<ArrayBuffer>,
  shape: readonly number[],
  strides: readonly number[],
  width: keyof typeof ARRAY_OF_WIDTH,
): Uint8Array<ArrayBuffer> {
  const from = aligned(bytes, width);
  const Words = ARRAY_OF_WIDTH[width];
  const source = new Words(from.buffer, from.byteOffset, from.byteLength / width);
  const count = elementCount(shape);
  if (count === undefined)
    throw new RangeError(`expected a shape of countable elements, got [${shape.join(", ")}]`);
  const result = new Words(count);
  const inner = shape.at(-1) ?? 1;
  const innerStride = strides.length === 0 ? 0 : last(strides);
  const index = new Array<number>(Math.max(shape.length - 1, 0)).fill(0);
  let start = 0;
  for (let row = 0; row < result.length; row += inner) {
    for (let column = 0; column < inner; column++)
      result[row + column] = source[start + column * innerStride] ?? missed("word");
    for (let axis = index.length - 1; axis >= 0; axis--) {
      const stride = must(strides, axis);
      const next = must(index, axis) + 1;
      start += stride;
      index[axis] = next;
      if (next < must(shape, axis)) break;
      start -= next * stride;
      index[axis] = 0;
    }
  }
  return new Uint8Array(result.buffer);
}
