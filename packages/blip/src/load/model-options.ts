// The options to load a model, the same for all tasks.
import type { Compat } from "../platform.ts";
import { sourceOptionNames, type SourceOptions } from "../files.ts";
import { engineOptionNames, type Device, type EngineOptions, type NetworkDType } from "@blip-ts/engine";
import { badOption, optionNames } from "@blip-ts/base";
import type { TextHeads } from "./read-config.ts";

/** Options to load a model. */
export interface ModelOptions extends SourceOptions, EngineOptions {
  /**
   * The folder of a LoRA adapter in PEFT's format, written by `blip train --lora` or PEFT; in a page, its address. None
   * by default. The model is the adapter's base: loading merges the updates into its weights in double precision.
   */
  readonly adapter?: string | undefined;
  /**
   * The reference implementation whose conventions to follow. By default `hf` for classes with transformers' names, and
   * `blip` for verbs.
   */
  readonly compat?: Compat | undefined;
  /**
   * Default generation options for captions and answers, under transformers' names. A call's options override them.
   * `"model"` reads the model's own generation_config.json; an object is used as the content of such a file. By default
   * no such file is read in any mode, because transformers does not read it for BLIP.
   */
  readonly generationConfig?: "model" | Readonly<Record<string, unknown>> | undefined;
  /** Attention heads of the text model; by default 12 for width 768, otherwise the value in config.json. */
  readonly textHeads?: TextHeads | undefined;
  /**
   * The side of the images in pixels; by default the checkpoint's own. For another side, position embeddings are
   * interpolated (models/vit.py `interpolate_pos_embed`).
   */
  readonly imageSize?: number | undefined;
  /**
   * The network's computation type; by default `fp32`, or `int8` if the file holds 8-bit weights. Weights of another
   * type are converted on first use and kept beside the Hub's cache.
   */
  readonly dtype?: NetworkDType | undefined;
  /**
   * The limit on the peak memory of the whole process, in MB (a million bytes); none by default. Batches become as
   * small as the limit requires. If the model does not fit, the error names the least sufficient limit.
   */
  readonly memory?: number | undefined;
  /**
   * `map` (default) reads weights on demand from the model's file, which must stay unchanged. `copy` reads all weights
   * into memory when the model is loaded. This takes the size of the weights a second time, but the file may then be
   * overwritten. In pages, weights are always in memory.
   */
  readonly load?: "map" | "copy" | undefined;
}

export const modelOptionNames = optionNames<ModelOptions>()({
  ...sourceOptionNames,
  ...engineOptionNames,
  adapter: true,
  compat: true,
  generationConfig: true,
  textHeads: true,
  imageSize: true,
  dtype: true,
  memory: true,
  load: true,
});

const dtypes: readonly NetworkDType[] = ["fp32", "fp16", "int8"];
const devices: readonly (Device | "auto")[] = ["auto", "cpu", "webgpu", "cuda", "coreml", "dml"];
const loads = ["map", "copy"] as const;
const compats: readonly Compat[] = ["hf", "blip", "lavis", "demo"];

/** @throws {UsageError} `usage/bad-option` */
function checkGenerationConfig(config: unknown): void {
  const isObject = typeof config === "object" && config !== null && !Array.isArray(config);
  if (config !== undefined && config !== "model" && !isObject)
    throw badOption("generationConfig", config, ["model", "an object as in generation_config.json"]);
}

/** @throws {UsageError} `usage/bad-option`, with the valid values */
export function checkModelOptions(options: ModelOptions): void {
  const { compat, textHeads, imageSize, dtype, device, memory, load } = options;
  if (dtype !== undefined && !dtypes.includes(dtype)) throw badOption("dtype", dtype, dtypes);
  if (device !== undefined && !devices.includes(device)) throw badOption("device", device, devices);
  if (memory !== undefined && !(memory > 0 && Number.isFinite(memory)))
    throw badOption("memory", memory, ["a number of MB above 0"]);
  if (load !== undefined && !loads.includes(load)) throw badOption("load", load, loads);
  if (load === "copy" && memory !== undefined)
    throw badOption("load", load, ['"map", as the option memory is set']);
  checkGenerationConfig(options.generationConfig);
  if (compat !== undefined && !compats.includes(compat)) throw badOption("compat", compat, compats);
  if (typeof textHeads === "number" && !(Number.isSafeInteger(textHeads) && textHeads > 0))
    throw badOption("textHeads", textHeads, ["config", "a positive whole number"]);
  if (typeof textHeads === "string" && (textHeads as string) !== "config")
    throw badOption("textHeads", textHeads, ["config", "a positive whole number"]);
  if (imageSize !== undefined) checkImageSize(imageSize, 1);
}

/** The largest side of an image, because the cost of attention grows with the fourth power of the side. */
const maxImageSize = 2048;

/**
 * Checks an image size. The side need not be a multiple of the patch size: the remaining pixels at the right and bottom
 * are ignored, as in transformers.
 * @param patch the side of a patch, or 1 while the model is unknown
 * @throws {UsageError} `usage/bad-option`
 */
export function checkImageSize(imageSize: number, patch: number): void {
  if (Number.isSafeInteger(imageSize) && imageSize >= patch && imageSize <= maxImageSize) return;
  const least = patch === 1 ? "1" : `${patch} (a patch of this model)`;
  throw badOption("imageSize", imageSize, [`a whole number of ${least} to ${maxImageSize} pixels`]);
}
