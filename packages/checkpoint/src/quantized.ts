// 8-bit matrices in a safetensors file, for a Linear's `X.weight` [out, in] or its rows a to b - 1. The first layout is
// `X.weight.int8` [in, out] (or `X.weight[a:b].int8`), signed, with `X.weight.scale` [out], one float32 per row of the
// original: weight[o, i] = int8[i, o] * scale[o]. The second layout has blocks of rows: `X.weight.blocks` [out, in /
// block, block], unsigned, with `X.weight.scale` [out, in / block]: weight[o, i] = (blocks[o, i] - 128) * scale[o,
// floor(i / block)]. ONNX Runtime multiplies directly with both layouts.
import { missed, must } from "@blip-ts/base";
import { badQuantized } from "./errors.ts";
import { floatRows } from "./float-rows.ts";
import type { StoredTensor } from "./stored-tensor.ts";
import type { MadeTensor } from "./write-safetensors.ts";

/** Rows of a matrix that become one 8-bit matrix. */
export interface QuantizedRange {
  /** The name without `.int8`: the matrix's name, with the row range if it is not the whole matrix. */
  readonly name: string;
  readonly tensor: StoredTensor;
  readonly start: number;
  readonly end: number;
  /**
   * The count of a row's numbers that share a scale; it divides the row's length. Without it, a whole row shares one
   * scale.
   */
  readonly block?: number | undefined;
}

/** The metadata that marks a file with 8-bit matrices. */
export const quantizedMetadata = { "blip-ts.dtype": "int8", "blip-ts.int8": "1" } as const;

/** The two tensors of each range. The largest magnitude of each row (or block) maps to 127 or -127; -128 is unused. */
export function quantizedTensors(
  ranges: readonly QuantizedRange[],
  names: (matrix: string, inBlocks: boolean) => { readonly values: string; readonly scale: string },
): Map<string, MadeTensor> {
  const made = new Map<string, MadeTensor>();
  for (const range of ranges) {
    const [width, out] = [must(range.tensor.shape, 1, "dimension"), range.end - range.start];
    const { block } = range;
    const { values, scale } = names(range.name, block !== undefined);
    const scales = block === undefined ? [out] : [out, width / block];
    made.set(scale, {
      dtype: "float32",
      shape: scales,
      byteLength: 4 * scales.reduce((product, dim) => product * dim, 1),
      bytes: () => once(async () => new Uint8Array((await scalesOf(range)).buffer)),
    });
    made.set(values, {
      ...(block === undefined
        ? { dtype: "int8", shape: [width, out], bytes: () => once(() => valuesOf(range)) }
        : { dtype: "uint8", shape: [out, width / block, block], bytes: () => blocksOf(range, block) }),
      byteLength: width * out,
    });
  }
  return made;
}

async function* once(make: () => Promise<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  yield await make();
}

function largestOf(numbers: Float32Array, start: number, end: number): number {
  let largest = 0;
  for (let index = start; index < end; index++) {
    const size = Math.abs(numbers[index] ?? missed("number"));
    // A NaN makes the scale NaN, so that the problem is visible.
    if (Number.isNaN(size)) return NaN;
    if (size > largest) largest = size;
  }
  return largest;
}

async function scalesOf({ tensor, start, end, block }: QuantizedRange): Promise<Float32Array> {
  const width = must(tensor.shape, 1, "dimension");
  const shared = block ?? width;
  const scales = new Float32Array(((end - start) * width) / shared);
  let place = 0;
  for await (const chunk of floatRows(tensor, start, end))
    for (let from = 0; from < chunk.length; from += shared)
      scales[place++] = largestOf(chunk, from, from + shared) / 127;
  return scales;
}

/** Yields the values of whole rows chunk by chunk, in the matrix's order. */
async function* blocksOf(
  { tensor, start, end }: QuantizedRange,
  block: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of floatRows(tensor, start, end)) {
    const values = new Uint8Array(chunk.length);
    for (let from = 0; from < chunk.length; from += block) {
      const inverse = inverseOf(chunk, from, from + block);
      for (let index = from; index < from + block; index++)
        values[index] = 128 + roundedBy(inverse, chunk[index] ?? missed("number"));
    }
    yield values;
  }
}

/** The inverse of the stored scale; 0 if all numbers are 0. */
const inverseOf = (numbers: Float32Array, start: number, end: number): number =>
  1 / Math.fround(largestOf(numbers, start, end) / 127) || 0;

/** A non-finite number becomes 0. Its scale is not finite either, so the problem stays visible. */
function roundedBy(inverse: number, value: number): number {
  const scaled = value * inverse;
  return Number.isFinite(scaled) ? Math.round(scaled) : 0;
}

/**
 * The number of rows processed together. Their values within a column of the transposed matrix share one cache line.
 */
const BLOCK = 64;

async function valuesOf({ tensor, start, end }: QuantizedRange): Promise<Uint8Array> {
  const [width, out] = [must(tensor.shape, 1, "dimension"), end - start];
  const values = new Int8Array(width * out);
  const inverses = new Float64Array(BLOCK);
  let first = 0;
  for await (const chunk of floatRows(tensor, start, end)) {
    const rows = chunk.length / width;
    for (let block = 0; block < rows; block += BLOCK) {
      const count = Math.min(BLOCK, rows - block);
      for (let row = 0; row < count; row++) {
        const from = (block + row) * width;
        inverses[row] = inverseOf(chunk, from, from + width);
      }
      for (let column = 0; column < width; column++) {
        const target = column * out + first + block;
        let from = block * width + column;
        for (let row = 0; row < count; row++, from += width)
          values[target + row] = roundedBy(inverses[row] ?? missed("row"), chunk[from] ?? missed("number"));
      }
    }
    first += rows;
  }
  return new Uint8Array(values.buffer);
}

const partName = /^(?<matrix>.*?)(?:\[(?<start>\d+):(?<end>\d+)\])?\.(?<kind>int8|blocks|scale)$/;

interface Part {
  readonly name: string;
  readonly start: number;
  readonly end: number | undefined;
  readonly values?: StoredTensor;
  readonly scale?: StoredTensor;
}

/** A file's tensors, with the 8-bit ones separate. */
export interface QuantizedFile {
  /**
   * All tensors by name. An 8-bit matrix appears as the [out, in] matrix it stands for, with dtype int8; its bytes do
   * not have that shape.
   */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** The 8-bit matrices and their scales by name; empty if the file has none. */
  readonly quantized: ReadonlyMap<string, StoredTensor>;
}

/**
 * Finds a file's 8-bit matrices.
 * @throws {ModelError} `checkpoint/quantized` if a matrix has no scales, or if shapes or rows do not fit
 */
export function readQuantized(all: ReadonlyMap<string, StoredTensor>): QuantizedFile {
  const parts = new Map<string, Map<string, Part>>();
  const tensors = new Map<string, StoredTensor>();
  const quantized = new Map<string, StoredTensor>();
  for (const [name, tensor] of all) {
    const groups =
      tensor.dtype === "int8" || /\.(?:blocks|scale)$/.test(name) ? partName.exec(name)?.groups : undefined;
    const { matrix, start, end, kind } = groups ?? {};
    if (matrix === undefined || kind === undefined) {
      tensors.set(name, tensor);
      continue;
    }
    quantized.set(name, tensor);
    const known = parts.get(matrix) ?? new Map<string, Part>();
    parts.set(matrix, known);
    const part = name.slice(0, -kind.length - 1);
    known.set(part, {
      ...(known.get(part) ?? {
        name: part,
        start: Number(start ?? 0),
        end: end === undefined ? end : Number(end),
      }),
      [kind === "scale" ? "scale" : "values"]: tensor,
    });
  }
  for (const [matrix, stored] of parts) {
    const tensor = matrixOf(matrix, [...stored.values()]);
    if (tensors.has(matrix))
      throw badQuantized(tensor.source.name, matrix, "it is also present in floating point");
    tensors.set(matrix, tensor);
  }
  return { tensors, quantized };
}

/**
 * The names of the matrices that 8-bit tensors stand for. @param names tensor names; names of other tensors are ignored
 */
export const quantizedMatrices = (names: Iterable<string>): ReadonlySet<string> =>
  new Set([...names].flatMap((name) => partName.exec(name)?.groups?.matrix ?? []));

/** The matrix [out, in] that parts form together. */
function matrixOf(matrix: string, parts: readonly Part[]): StoredTensor {
  const [sample] = parts;
  const where = (sample?.values ?? sample?.scale)?.source.name ?? "the checkpoint";
  let rows = 0;
  let width: number | undefined;
  for (const { name, start, end, values, scale } of [...parts].sort((a, b) => a.start - b.start)) {
    if (!values) throw badQuantized(where, name, "its numbers (.int8 or .blocks) are missing");
    if (!scale) throw badQuantized(where, name, "its scales (.scale) are missing");
    const { out, inner, scales } = shapeOf(values) ?? {};
    if (out === undefined || inner === undefined || scales === undefined)
      throw badQuantized(
        where,
        name,
        `expected int8 [in, out] or uint8 blocks [out, in / block, block], got ${values.dtype} [${values.shape.join(", ")}]`,
      );
    if (scale.dtype !== "float32" || scale.shape.join() !== scales.join())
      throw badQuantized(
        where,
        name,
        `expected float32 [${scales.join(", ")}] scales, got ${scale.dtype} [${scale.shape.join(", ")}]`,
      );
    if (start !== rows || (end !== undefined && end !== start + out))
      throw badQuantized(
        where,
        name,
        `expected rows from ${rows} on, ${out} of them, got ${start} to ${String(end)}`,
      );
    if (width !== undefined && width !== inner)
      throw badQuantized(where, name, `its parts have ${width} and ${inner} columns`);
    rows += out;
    width = inner;
  }
  const [first] = parts;
  if (!first?.values || width === undefined)
    throw badQuantized(where, matrix, "its numbers (.int8 or .blocks) are missing");
  return { ...first.values, name: matrix, dtype: "int8", shape: [rows, width], byteLength: rows * width };
}

/**
 * The shape of the matrix that stored numbers stand for, and the shape of its scales; undefined if neither layout fits.
 */
function shapeOf({ dtype, shape }: StoredTensor) {
  const [first, second, third] = shape;
  if (first === undefined || second === undefined) return undefined;
  if (dtype === "int8" && shape.length === 2) return { out: second, inner: first, scales: [second] };
  if (dtype !== "uint8" || shape.length !== 3 || third === undefined) return undefined;
  return { out: first, inner: second * third, scales: [first, second] };
}
