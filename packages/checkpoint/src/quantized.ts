// Matrices of 8 bits in a safetensors file: for a Linear's `X.weight` [out, in], or for rows a..b-1 of it,
// `X.weight.int8` [in, out] (`X.weight[a:b].int8`), signed, and `X.weight.scale` [out], one float32 a row of the
// original: weight[o, i] = int8[i, o] * scale[o]. Or in blocks of rows: `X.weight.blocks` [out, in / block, block],
// unsigned, and `X.weight.scale` [out, in / block]: weight[o, i] = (blocks[o, i] - 128) * scale[o, floor(i / block)].
// They are the layouts that ONNX Runtime multiplies with.
import { missed, must } from "@blip-ts/base";
import { badQuantized } from "./errors.ts";
import { floatRows } from "./float-rows.ts";
import type { StoredTensor } from "./stored-tensor.ts";
import type { MadeTensor } from "./write-safetensors.ts";

/** Rows of a matrix that become one 8-bit matrix. */
export interface QuantizedRange {
  /** The name without `.int8`: the matrix's, with its rows where they are not all. */
  readonly name: string;
  readonly tensor: StoredTensor;
  readonly start: number;
  readonly end: number;
  /** Numbers of a row that share a scale, by which its length can be divided; without it the whole row does. */
  readonly block?: number | undefined;
}

/** Under this key a file's metadata say that its matrices are of 8 bits. */
export const quantizedMetadata = { "blip-ts.dtype": "int8", "blip-ts.int8": "1" } as const;

/**
 * The two tensors of each range. Each row's (or block's) largest number becomes 127 or -127; -128 is not used.
 * @param onBytes called with the bytes made since the last call
 */
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
    // A number that is none makes the scale none, so that it is seen.
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

/** The numbers of a chunk of whole rows at a time, in the order in which they lie in the matrix. */
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

/** One over the scale as it is stored; of zeros alone 0. */
const inverseOf = (numbers: Float32Array, start: number, end: number): number =>
  1 / Math.fround(largestOf(numbers, start, end) / 127) || 0;

/** A number that is none becomes 0: its scale is none, so that it is seen. */
function roundedBy(inverse: number, value: number): number {
  const scaled = value * inverse;
  return Number.isFinite(scaled) ? Math.round(scaled) : 0;
}

/** Rows at a time: their places in a column of the transposed matrix lie in one line of the processor's cache. */
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

/** A file's tensors, those of 8 bits apart. */
export interface QuantizedFile {
  /** With each 8-bit matrix as the [out, in] that it stands for, of type int8: its bytes are not those of that shape. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** The 8-bit matrices and their scales by name; empty where the file has none. */
  readonly quantized: ReadonlyMap<string, StoredTensor>;
}

/**
 * Finds a file's 8-bit matrices.
 * @throws {ModelError} `checkpoint/quantized` where one has no scales, or shapes or rows do not fit
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
      throw badQuantized(tensor.source.name, matrix, "it is there in floating point as well");
    tensors.set(matrix, tensor);
  }
  return { tensors, quantized };
}

/** The matrices that 8-bit tensors stand for. @param names of those tensors; others among them are passed over */
export const quantizedMatrices = (names: Iterable<string>): ReadonlySet<string> =>
  new Set([...names].flatMap((name) => partName.exec(name)?.groups?.matrix ?? []));

/** The matrix [out, in] that parts stand for together. */
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
        `expected int8 [in, out] or uint8 blocks [out, in / block, block], found ${values.dtype} [${values.shape.join(", ")}]`,
      );
    if (scale.dtype !== "float32" || scale.shape.join() !== scales.join())
      throw badQuantized(
        where,
        name,
        `expected float32 [${scales.join(", ")}] scales, found ${scale.dtype} [${scale.shape.join(", ")}]`,
      );
    if (start !== rows || (end !== undefined && end !== start + out))
      throw badQuantized(
        where,
        name,
        `expected rows from ${rows} on, ${out} of them, found ${start} to ${String(end)}`,
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

/** The matrix [out, inner] that numbers stand for, and the shape of its scales; undefined where they are neither kind. */
function shapeOf({ dtype, shape }: StoredTensor) {
  const [first, second, third] = shape;
  if (first === undefined || second === undefined) return undefined;
  if (dtype === "int8" && shape.length === 2) return { out: second, inner: first, scales: [second] };
  if (dtype !== "uint8" || shape.length !== 3 || third === undefined) return undefined;
  return { out: first, inner: second * third, scales: [first, second] };
}
