// The type in which a network computes: which pass its graphs go through, and which weights those read. Converted
// weights are made once and kept by the platform; everything else stays in the original file.
import { isCacheName } from "../model/kv-cache.ts";
import { layerPathOf } from "../weights/layer-paths.ts";
import {
  float16,
  int8,
  int8Names,
  rangeName,
  toHalf,
  type Activations,
  type Blocks,
  type Int8Plan,
  type Weight,
} from "@blip-ts/graph";
import {
  floatRows,
  type MadeTensor,
  type QuantizedRange,
  quantizedTensors,
  safetensorsBytes,
  type StoredTensor,
  tensorBytes,
} from "@blip-ts/checkpoint";
import { atLeast, nextTurn, type Warning } from "@blip-ts/base";
import type { Platform } from "../platform.ts";
import type { DerivedWeights, DownloadProgress } from "../files.ts";
import type { NetworkDType, NetworkTypes } from "@blip-ts/engine";
import { dtypeRefused } from "./errors.ts";
import { keptTensors } from "./kept-weights.ts";
import type { ModelOptions } from "./model-options.ts";
import type { OpenedModel } from "./open-model.ts";

type Tensors = ReadonlyMap<string, StoredTensor>;

/**
 * Raised when other bytes come of the same weights, so that what was kept is made anew.
 * 1: matrices of the transformers' layers and the LM head, a scale a row. 2: those of the decoder's steps in blocks.
 * 3: a number that is NaN makes its scale NaN, wherever it stands in its row.
 */
const recipeVersion = 3;

/**
 * What is quantized: the matrices of all transformer layers and of the LM head, which are 99 % of the multiplications.
 * Measured on the embedded model (bench/RESULTS.md): with all of them the largest error of an ITM probability is 0.011
 * (0.016 where few texts look at a picture);
 * feed-forward outputs kept in float32 leave 0.010, all feed-forward matrices kept leave 0.006 and half of the speed.
 * Heads and projections, from which scores are read, would add to the error (0.012) and save nothing: they stay float32,
 * as do tables that are looked up, the patch convolution (2 % of the time) and vectors.
 */
function isQuantized(name: string): boolean {
  return layerPathOf(name) !== undefined || headMatrices.has(name);
}

/** The matrices of the LM head. */
const headMatrices = new Set(
  ["transform.dense", "decoder"].map((path) => `text_decoder.cls.predictions.${path}.weight`),
);

/**
 * Pictures have many rows and are encoded one by one, so that one scale for all rows of a picture costs least (a scale a
 * row takes 9 % more of the whole network's time) and still makes its states its own. Rows of texts come in batches with
 * padding: one scale for all moved logits by up to 0.05 with the batch, and probabilities by 0.028 from float32's; a
 * scale a row, which takes 5 to 15 % more of the products' time, moves nothing.
 */
const activationsOf = (name: string): Activations =>
  layerPathOf(name)?.stack === "vision" ? "tensor" : "row";

/**
 * A decoder's step has one row a sequence: there one operator a product, which rounds its rows itself, block by block,
 * takes half of the time of the chain of operators that rounds rows (bench/RESULTS.md), and a finer scale is a smaller
 * error. From some 24 rows on it takes longer, so that what is made of a picture's states (keys and values) stays in rows.
 */
function isOfSteps(name: string): boolean {
  if (headMatrices.has(name)) return true;
  const path = layerPathOf(name);
  return path?.stack === "textDecoder" && !keysAndValues.includes(path.rest);
}

/** What is made of a picture's states (or a question's), once. */
const keysAndValues = ["key", "value"].map((part) => `crossattention.self.${part}.weight`);

/** The largest block by which rows can be divided, of those that the operator takes; more would be no faster. */
function blockOf(name: string, width: number): number | undefined {
  return isOfSteps(name) ? [256, 128, 64, 32, 16].find((block) => width % block === 0) : undefined;
}

const isQuantizedMatrix = (name: string, { shape }: StoredTensor): boolean =>
  isQuantized(name) && shape.length === 2;

/** The matrices that become 8-bit ones; the vision's fused projection in its three parts, as the graphs read it. */
export function quantizedRanges(tensors: Tensors): QuantizedRange[] {
  return [...tensors].flatMap(([name, tensor]) => {
    if (!isQuantizedMatrix(name, tensor)) return [];
    const [out, width] = atLeast(tensor.shape, 2);
    const parts = name.endsWith(".self_attn.qkv.weight") && out % 3 === 0 ? 3 : 1;
    const size = out / parts;
    const block = blockOf(name, width);
    return Array.from({ length: parts }, (_, part) => {
      const rows = { start: part * size, end: (part + 1) * size };
      return { name: parts === 1 ? name : rangeName({ name, rows }), tensor, ...rows, block };
    });
  });
}

/**
 * The type that is asked for, or the file's own.
 * @throws {UsageError} `usage/dtype` where an 8-bit file is to be computed in another type
 */
export function chooseDType(
  { files, quantized }: OpenedModel,
  asked: NetworkDType | undefined,
): NetworkDType {
  if (quantized.size === 0) return asked ?? "fp32";
  if (asked !== undefined && asked !== "int8") throw dtypeRefused(files.name, asked);
  return "int8";
}

/** How matrices are rounded, by their names. */
type Roundings = ReadonlyMap<string, Activations | Blocks>;

const roundingOf = (tensors: Tensors): Roundings =>
  new Map(
    quantizedRanges(tensors).map(({ name, block }) => [
      name,
      block === undefined ? activationsOf(name) : { block },
    ]),
  );

const roundingOfFile = (quantized: Tensors): Roundings =>
  new Map(
    [...quantized].flatMap(([key, { shape }]): [string, Activations | Blocks][] => {
      const suffix = [".int8", ".blocks"].find((ending) => key.endsWith(ending));
      if (suffix === undefined) return [];
      const name = key.slice(0, -suffix.length);
      const block = shape[2];
      return [[name, block === undefined ? activationsOf(name) : { block }]];
    }),
  );

/** The passes of a type. @param ranges names of the matrices that are quantized, without `.int8` */
export function typesOf(dtype: NetworkDType, tensors: Tensors, quantized: Tensors): NetworkTypes {
  switch (dtype) {
    case "fp32":
      return { dtype, passes: [] };
    case "fp16":
      return { dtype, passes: [float16({ isHalfBorder: isCacheName })] };
    case "int8": {
      const rounding = quantized.size > 0 ? roundingOfFile(quantized) : roundingOf(tensors);
      const plan: Int8Plan = (weight: Weight) => rounding.get(rangeName(weight));
      return { dtype, passes: [int8(plan)] };
    }
  }
}

/** Tensors in half precision, those that are not yet. */
export function halfTensors(tensors: Tensors): Map<string, MadeTensor> {
  const made = new Map<string, MadeTensor>();
  for (const [name, tensor] of tensors) {
    if (!["float32", "float64", "bfloat16"].includes(tensor.dtype)) continue;
    const size = tensor.shape.reduce((product, dim) => product * dim, 1);
    made.set(name, {
      dtype: "float16",
      shape: tensor.shape,
      byteLength: 2 * size,
      async *bytes() {
        for await (const chunk of floatRows(tensor))
          yield new Uint8Array(Uint16Array.from(chunk, toHalf).buffer);
      },
    });
  }
  return made;
}

/** The 8-bit tensors of a model. */
export const int8Tensors = (tensors: Tensors): Map<string, MadeTensor> =>
  quantizedTensors(quantizedRanges(tensors), int8Names);

/** The same tensors, told how far their writing has come, and with a turn for the event loop between them. */
export function reported(
  tensors: ReadonlyMap<string, MadeTensor>,
  file: string,
  {
    signal,
    onProgress,
  }: Pick<ModelOptions, "signal"> & {
    readonly onProgress?: ((progress: DownloadProgress) => void) | undefined;
  },
): Map<string, MadeTensor> {
  const total = [...tensors.values()].reduce((sum, { byteLength }) => sum + byteLength, 0);
  let loaded = 0;
  return new Map(
    [...tensors].map(([name, tensor]) => [
      name,
      {
        ...tensor,
        async *bytes() {
          for await (const chunk of tensor.bytes()) {
            signal?.throwIfAborted();
            yield chunk;
            loaded += chunk.length;
            onProgress?.({ kind: "convert", file, loaded, total });
            await nextTurn();
          }
        },
      },
    ]),
  );
}

/** Tensors of which nothing is made, to be written as they are. */
function unconverted(tensors: Tensors, converted: ReadonlySet<string>): [string, MadeTensor][] {
  return [...tensors].flatMap(([name, tensor]): [string, MadeTensor][] => {
    if (converted.has(name)) return [];
    const { dtype, shape, byteLength } = tensor;
    return [[name, { dtype, shape, byteLength, bytes: () => tensorBytes(tensor) }]];
  });
}

/**
 * A model's tensors as the graphs of a type read them: converted ones where there are, the originals else.
 * @throws {ModelError} where the original weights cannot be read
 */
export async function typedTensors(
  platform: Platform<never>,
  opened: OpenedModel,
  tensors: Tensors,
  dtype: NetworkDType,
  options: ModelOptions,
): Promise<Tensors> {
  if (opened.quantized.size > 0) return new Map([...tensors, ...opened.quantized]);
  const made = dtype === "int8" ? int8Tensors(tensors) : dtype === "fp16" ? halfTensors(tensors) : new Map();
  if (made.size === 0) return tensors;
  const type = dtype === "int8" ? "int8" : "float16";
  const converted = new Set(
    dtype === "int8"
      ? [...tensors].filter(([name, tensor]) => isQuantizedMatrix(name, tensor)).map(([name]) => name)
      : made.keys(),
  );
  const places = [...tensors].map(([name, { dtype: from, shape, offset, strides }]) => [
    name,
    ...[from, shape, offset, strides],
  ]);
  const derived: DerivedWeights = {
    sources: [...new Set([...tensors.values()].map(({ source }) => source))],
    type,
    recipe: JSON.stringify([recipeVersion, [...made.keys()], places]),
    bytes: (whole = false) => {
      const written = whole ? new Map([...unconverted(tensors, converted), ...made]) : made;
      return safetensorsBytes(reported(written, `${opened.files.name} to ${type}`, options));
    },
    warn: options.onWarning ?? ((warning: Warning) => platform.warn(warning)),
  };
  return new Map([...tensors, ...(await keptTensors(platform, derived))]);
}
