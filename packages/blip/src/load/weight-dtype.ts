// The network's computation type: the passes over its graphs, and the weights that these graphs read. Weights are
// converted once, and the platform caches the result. All other weights stay in the original file.
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
 * The version of the conversion. Increase it if the same weights are converted to other bytes, so that cached weights
 * are converted again. 1: matrices of the transformer layers and the LM head, one scale per row. 2: the matrices of the
 * decoder's steps in blocks. 3: a NaN at any position in a row makes its scale NaN.
 */
const recipeVersion = 3;

/**
 * Whether a matrix is quantized. All matrices of transformer layers and of the LM head are; they make up 99 % of the
 * multiplications. Measured on the embedded model (bench/RESULTS.md): with all of them, the largest error of an ITM
 * probability is 0.011 (0.016 if few texts attend to an image). Keeping feed-forward outputs in float32 leaves an error
 * of 0.010; keeping all feed-forward matrices leaves 0.006 and half of the speed. Heads and projections that produce
 * scores would add to the error (0.012) and save nothing, so they stay float32. Lookup tables, the patch convolution (2
 * % of the time) and vectors stay float32 as well.
 */
function isQuantized(name: string): boolean {
  return layerPathOf(name) !== undefined || headMatrices.has(name);
}

/** The matrices of the LM head. */
const headMatrices = new Set(
  ["transform.dense", "decoder"].map((path) => `text_decoder.cls.predictions.${path}.weight`),
);

/**
 * The granularity of activation scales. Images have many rows and are encoded one by one. One scale for all rows of an
 * image costs least (a scale per row adds 9 % to the network's total time), and the image's states still depend on that
 * image only. Rows of texts come in padded batches. With one scale per batch, logits changed by up to 0.05 with the
 * batch, and probabilities differed by 0.028 from float32. A scale per row avoids this, and adds 5 to 15 % to the time
 * of the products.
 */
const activationsOf = (name: string): Activations =>
  layerPathOf(name)?.stack === "vision" ? "tensor" : "row";

/**
 * Whether a matrix is quantized in blocks, for a decoder's steps. A step has one row per sequence. For so few rows, a
 * single operator that also rounds the rows block by block takes half the time of the operator chain that rounds whole
 * rows (bench/RESULTS.md). Its finer scales also reduce the error. From about 24 rows on it takes longer, so the keys
 * and values of an image's states keep scales per row.
 */
function isOfSteps(name: string): boolean {
  if (headMatrices.has(name)) return true;
  const path = layerPathOf(name);
  return path?.stack === "textDecoder" && !keysAndValues.includes(path.rest);
}

/** The matrices of keys and values, which are computed once from an image's (or a question's) states. */
const keysAndValues = ["key", "value"].map((part) => `crossattention.self.${part}.weight`);

/** Returns the largest block size that divides the row length, at most 256; larger blocks would not be faster. */
function blockOf(name: string, width: number): number | undefined {
  return isOfSteps(name) ? [256, 128, 64, 32, 16].find((block) => width % block === 0) : undefined;
}

const isQuantizedMatrix = (name: string, { shape }: StoredTensor): boolean =>
  isQuantized(name) && shape.length === 2;

/** Returns the matrices to quantize, with the vision model's fused projection in three parts, as the graphs read it. */
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
 * Returns the requested type, or by default the file's type.
 * @throws {UsageError} `usage/dtype` if another type is requested for an 8-bit file
 */
export function chooseDType(
  { files, quantized }: OpenedModel,
  asked: NetworkDType | undefined,
): NetworkDType {
  if (quantized.size === 0) return asked ?? "fp32";
  if (asked !== undefined && asked !== "int8") throw dtypeRefused(files.name, asked);
  return "int8";
}

/** The rounding of each matrix, by name. */
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

/** Returns a type with its passes over graphs. @param quantized the 8-bit tensors of the file, if any */
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

/** Converts tensors to half precision, except tensors that already have it. */
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

/** Quantizes the matrices of a model to 8-bit tensors. */
export const int8Tensors = (tensors: Tensors): Map<string, MadeTensor> =>
  quantizedTensors(quantizedRanges(tensors), int8Names);

/** Wraps tensors so that writing them reports progress and yields to the event loop between chunks. */
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

/** Returns the tensors that are not converted, to be written unchanged. */
function unconverted(tensors: Tensors, converted: ReadonlySet<string>): [string, MadeTensor][] {
  return [...tensors].flatMap(([name, tensor]): [string, MadeTensor][] => {
    if (converted.has(name)) return [];
    const { dtype, shape, byteLength } = tensor;
    return [[name, { dtype, shape, byteLength, bytes: () => tensorBytes(tensor) }]];
  });
}

/**
 * Returns a model's tensors for the graphs of a type: the original tensors and the converted tensors.
 * @throws {ModelError} if the original weights cannot be read
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
