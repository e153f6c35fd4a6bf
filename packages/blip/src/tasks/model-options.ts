// How a model is loaded: what every task takes.
import type { Compat, Device, EngineOptions, SourceOptions } from "../platform.ts";
import { badOption } from "./errors.ts";
import type { TextHeads } from "./read-config.ts";

export interface ModelOptions extends SourceOptions, EngineOptions {
  /** Whose conventions where the references differ. Classes with transformers' names: `hf` unless told; verbs: `blip`. */
  readonly compat?: Compat | undefined;
  /** Attention heads of the text model; without it, 12 where it is 768 wide, else as config.json says. */
  readonly textHeads?: TextHeads | undefined;
  /**
   * Side of the pictures in pixels, where it is to be another than the checkpoint's: its position embeddings are
   * interpolated (models/vit.py `interpolate_pos_embed`).
   */
  readonly imageSize?: number | undefined;
  /**
   * MB (of a million bytes) within which the whole process's peak stays: batches are made as small as that needs, and a
   * bound in which the model has no room is refused with the least that would do.
   */
  readonly memory?: number | undefined;
}

const devices: readonly (Device | "auto")[] = ["auto", "cpu", "webgpu", "cuda", "coreml", "dml"];
const compats: readonly Compat[] = ["hf", "blip", "lavis"];

/** @throws {UsageError} `usage/bad-option`, listing the valid ones */
export function checkModelOptions({ compat, textHeads, imageSize, memory, device }: ModelOptions): void {
  if (memory !== undefined && !(memory > 0 && Number.isFinite(memory)))
    throw badOption("memory", memory, ["a number of MB above 0"]);
  if (device !== undefined && !devices.includes(device)) throw badOption("device", device, devices);
  if (compat !== undefined && !compats.includes(compat)) throw badOption("compat", compat, compats);
  if (typeof textHeads === "number" && !(Number.isSafeInteger(textHeads) && textHeads > 0))
    throw badOption("textHeads", textHeads, ["config", "a positive whole number"]);
  if (typeof textHeads === "string" && (textHeads as string) !== "config")
    throw badOption("textHeads", textHeads, ["config", "a positive whole number"]);
  if (
    imageSize !== undefined &&
    !(Number.isSafeInteger(imageSize) && imageSize > 0 && imageSize <= maxImageSize)
  )
    throw badOption("imageSize", imageSize, [`a whole number of 1 to ${maxImageSize} pixels`]);
}

/** Largest side: attention grows with its fourth power. */
const maxImageSize = 2048;
