// Reads a tensor's numbers as float32 in chunks of whole rows, so that only one chunk is in memory.
import { missed } from "@blip-ts/base";
import { fromHalf } from "@blip-ts/graph";
import { readRange } from "./read-range.ts";
import { BYTES_PER_ELEMENT, readTensorBytes, type StoredTensor } from "./stored-tensor.ts";

/** The largest chunk in bytes. A chunk has at least one row. */
const CHUNK = 2 ** 22;

/** The float32 value of every half, indexed by its bits. */
let halves: Float32Array | undefined;
const halfTable = () => (halves ??= Float32Array.from({ length: 2 ** 16 }, (_, bits) => fromHalf(bits)));

/** The number of rows. A scalar has one row. */
const rowsOf = ({ shape: [rows = 1] }: StoredTensor): number => rows;

/**
 * Yields the rows start to end - 1 of a floating-point tensor. The first dimension counts the rows.
 * @throws {ModelError} `checkpoint/truncated`, `checkpoint/limit`, ...
 */
export async function* floatRows(
  tensor: StoredTensor,
  start = 0,
  end = rowsOf(tensor),
): AsyncGenerator<Float32Array, void, undefined> {
  const width = tensor.shape.slice(1).reduce((product, size) => product * size, 1);
  const rowBytes = width * BYTES_PER_ELEMENT[tensor.dtype];
  if (tensor.strides) {
    const bytes = await readTensorBytes(tensor);
    yield floatsOf(bytes.slice(start * rowBytes, end * rowBytes), tensor);
    return;
  }
  const rows = Math.max(1, Math.floor(CHUNK / Math.max(1, rowBytes)));
  for (let row = start; row < end; row += rows) {
    const count = Math.min(rows, end - row);
    const offset = tensor.offset + row * rowBytes;
    const bytes = await readRange(tensor.source, offset, count * rowBytes, tensor.name);
    yield floatsOf(bytes, tensor);
  }
}

/**
 * Converts a floating-point tensor's bytes, or those of some of its rows, to float32. @param bytes in the file's layout
 */
export function floatsOf(bytes: Uint8Array<ArrayBuffer>, { dtype, name }: StoredTensor): Float32Array {
  const { buffer, byteLength } = bytes.byteOffset === 0 ? bytes : bytes.slice();
  switch (dtype) {
    case "float32":
      return new Float32Array(buffer, 0, byteLength / 4);
    case "float64":
      return Float32Array.from(new Float64Array(buffer, 0, byteLength / 8));
    case "float16": {
      const table = halfTable();
      const bits = new Uint16Array(buffer, 0, byteLength / 2);
      const numbers = new Float32Array(bits.length);
      // Float32Array.from with a function takes thirty times as long.
      for (let index = 0; index < bits.length; index++)
        numbers[index] = table[bits[index] ?? missed("half")] ?? missed("half");
      return numbers;
    }
    case "bfloat16":
      return new Float32Array(
        Uint32Array.from(new Uint16Array(buffer, 0, byteLength / 2), (b) => b << 16).buffer,
      );
    default:
      throw new Error(`${name} has type ${dtype}, which is not floating point`);
  }
}
