// Checks that the parts of a suite can share the states of an image. The parts must have the same image encoder sizes,
// computation type, and image preprocessing.
import type { ImageConfig } from "../image/preprocess.ts";
import type { BlipConfig, VisionConfig } from "../model/config.ts";
import { differentSettings, differentStates, differentTypes } from "./errors.ts";
import { imageConfigOf } from "./image-settings.ts";
import type { PreparedModel } from "./load-model.ts";

/** A part's name for messages, and its sizes. */
interface SizedPart {
  readonly name: string;
  readonly config: BlipConfig;
}

const visionFields: Readonly<Record<keyof VisionConfig, string>> = {
  hiddenSize: "hidden_size",
  layers: "num_hidden_layers",
  heads: "num_attention_heads",
  intermediateSize: "intermediate_size",
  imageSize: "image_size",
  patchSize: "patch_size",
  layerNormEps: "layer_norm_eps",
};

const imageFields: Readonly<Record<keyof ImageConfig, string>> = {
  height: "size.height",
  width: "size.width",
  doResize: "do_resize",
  doRescale: "do_rescale",
  doNormalize: "do_normalize",
  rescaleFactor: "rescale_factor",
  mean: "image_mean",
  std: "image_std",
};

/**
 * Returns the first field in which two records differ: its name in their files and both values. Returns undefined if
 * the records are equal.
 */
function difference<Fields extends object>(
  names: Readonly<Record<keyof Fields, string>>,
  first: Fields,
  other: Fields,
): readonly [field: string, one: unknown, other: unknown] | undefined {
  for (const key of Object.keys(names) as (keyof Fields)[])
    if (JSON.stringify(first[key]) !== JSON.stringify(other[key]))
      return [names[key], first[key], other[key]];
  return undefined;
}

/**
 * Checks that the image encoder computes the same states for all parts. @throws {ModelError} `suite/different-states`
 */
export function expectSameStates(suite: string, [first, ...others]: readonly SizedPart[]): void {
  for (const other of others) {
    const found = first && difference(visionFields, first.config.vision, other.config.vision);
    if (found) throw differentStates(suite, [first.name, other.name], found);
  }
}

/** Checks that all parts compute in one type; they share an engine. @throws {ModelError} `suite/different-types` */
export function expectOneType(
  suite: string,
  [first, ...others]: readonly Pick<PreparedModel, "opened" | "types">[],
): void {
  for (const other of others)
    if (first && first.types.dtype !== other.types.dtype)
      throw differentTypes(suite, [
        [first.opened.files.name, first.types.dtype],
        [other.opened.files.name, other.types.dtype],
      ]);
}

/** Checks that all parts prepare images equally. @throws {ModelError} `suite/different-settings`, `image/bad-config` */
export async function expectSameImages(
  suite: string,
  [first, ...others]: readonly Pick<PreparedModel, "opened" | "imageSize">[],
): Promise<void> {
  if (!first) return;
  const settings = await imageConfigOf(first.opened, first.imageSize);
  for (const { opened, imageSize } of others) {
    const found = difference(imageFields, settings, await imageConfigOf(opened, imageSize));
    if (found) throw differentSettings(suite, [first.opened.files.name, opened.files.name], found);
  }
}
