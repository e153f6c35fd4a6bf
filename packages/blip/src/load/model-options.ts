// How a model is loaded: what every task takes.
import type { Compat } from "../platform.ts";
import { sourceOptionNames, type SourceOptions } from "../files.ts";
import { engineOptionNames, type Device, type EngineOptions, type NetworkDType } from "@blip-ts/engine";
import { badOption, optionNames } from "@blip-ts/base";
import type { TextHeads } from "./read-config.ts";

/** How a model is loaded. */
export interface ModelOptions extends SourceOptions, EngineOptions {
  /**
   * None unless told. The folder (in a page, the address) of a LoRA adapter in PEFT's form, as `blip train --lora` or PEFT wrote it. The
   * model is its base; its updates are merged into the weights in double precision when the model is loaded.
   */
  readonly adapter?: string | undefined;
  /** Whose conventions where the references differ. Classes with transformers' names: `hf` unless told; verbs: `blip`. */
  readonly compat?: Compat | undefined;
  /**
   * How captions and answers are generated unless a call says otherwise, by transformers' names: `"model"` reads the
   * model's own generation_config.json, an object is such a file's content. Without it no such file is read, in any mode:
   * transformers does not read it for BLIP.
   */
  readonly generationConfig?: "model" | Readonly<Record<string, unknown>> | undefined;
  /** Attention heads of the text model; without it, 12 where it is 768 wide, else as config.json says. */
  readonly textHeads?: TextHeads | undefined;
  /**
   * Side of the pictures in pixels, the checkpoint's own unless told. If it is another one, position embeddings are
   * interpolated (models/vit.py `interpolate_pos_embed`).
   */
  readonly imageSize?: number | undefined;
  /**
   * The type in which the network computes: `fp32` unless told, or `int8` where the file's weights are. Weights of
   * another type are converted when first asked for and kept beside the Hub's cache.
   */
  readonly dtype?: NetworkDType | undefined;
  /**
   * No bound unless told. MB (of a million bytes) within which the whole process's peak stays: batches are made as small as that needs, and a
   * bound in which the model has no room is refused with the least that would do.
   */
  readonly memory?: number | undefined;
  /**
   * `map` (unless told): weights are read from the model's file when they are needed, which has to stay as it is.
   * `copy`: all are read into memory at once, and the file may then be overwritten; they take their size in memory once more.
   * In pages weights are in memory in any case.
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

/** @throws {UsageError} `usage/bad-option`, listing the valid ones */
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

/** Largest side: attention grows with its fourth power. */
const maxImageSize = 2048;

/**
 * A side that is no multiple of the patch is allowed: what is left over at the right and below is not seen, as in transformers.
 * @param patch the side of a patch, once the model is known
 * @throws {UsageError} `usage/bad-option`
 */
export function checkImageSize(imageSize: number, patch: number): void {
  if (Number.isSafeInteger(imageSize) && imageSize >= patch && imageSize <= maxImageSize) return;
  const least = patch === 1 ? "1" : `${patch} (a patch of this model)`;
  throw badOption("imageSize", imageSize, [`a whole number of ${least} to ${maxImageSize} pixels`]);
}
