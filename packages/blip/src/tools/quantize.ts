// The verb `quantize`: writes a folder with weights of another type. Weights that are not converted are copied.
import { int8Names } from "@blip-ts/graph";
import { type MadeTensor, quantizedMetadata, quantizedTensors, type StoredTensor } from "@blip-ts/checkpoint";
import { withTiedHead } from "../weights/tied-head.ts";
import type { Platform } from "../platform.ts";
import { badOption, optionNames } from "@blip-ts/base";
import { halfTensors, quantizedRanges, reported } from "../load/weight-dtype.ts";
import type { ConvertedWeights } from "../save/save.ts";
import { convert, type Conversion, type ConvertOptions, convertOptionNames } from "./convert.ts";

/** The target types of weights. */
export type WeightDType = "fp16" | "int8";
const weightDTypes: readonly WeightDType[] = ["fp16", "int8"];

/** Options to convert a model's weights. */
export interface QuantizeOptions extends Omit<ConvertOptions, "dtype"> {
  /**
   * `fp16`: half precision for all weights, which transformers also loads. `int8`: 8-bit matrices, which only this
   * package loads.
   */
  readonly dtype: WeightDType;
}

export const quantizeOptionNames = optionNames<QuantizeOptions>()(convertOptionNames);

/**
 * The weights' type in config.json. It makes transformers (5.23) reject the folder, because the type is not floating
 * point. Otherwise, transformers would draw missing matrices at random with a warning. It ignores an unknown
 * quant_method.
 */
const int8Config = { dtype: "int8" };

function conversionTo(dtype: WeightDType, source: string, options: QuantizeOptions): ConvertedWeights {
  if (dtype === "fp16")
    return {
      tensors: (originals) =>
        new Map<string, StoredTensor | MadeTensor>([
          ...originals,
          ...reported(halfTensors(originals), source, options),
        ]),
      config: { dtype: "float16" },
      metadata: {},
    };
  return {
    tensors(originals) {
      const ranges = quantizedRanges(withTiedHead(originals));
      const replaced = new Set(ranges.map(({ name }) => name.replace(/\[\d+:\d+\]$/, "")));
      return new Map<string, StoredTensor | MadeTensor>([
        ...[...originals].filter(([name]) => !replaced.has(name)),
        ...reported(quantizedTensors(ranges, int8Names), source, options),
      ]);
    },
    config: int8Config,
    metadata: quantizedMetadata,
  };
}

/**
 * Writes a folder with converted weights, config, preprocessor and tokenizer. Every task of the model runs from it.
 * @throws {ModelError} if the model cannot be used @throws {UsageError} `save/...`, `usage/bad-option`
 */
export function quantize(
  platform: Platform<never>,
  source: string,
  folder: string,
  options: QuantizeOptions,
): Promise<Conversion> {
  const { dtype, ...rest } = options;
  if (!weightDTypes.includes(dtype)) return Promise.reject(badOption("dtype", dtype, weightDTypes));
  return convert(platform, source, folder, rest, conversionTo(dtype, source, options));
}
