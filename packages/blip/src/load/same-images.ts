// What the parts of a suite must agree on to share the states of an image: the sizes that the image encoder computes with,
// the type in which it does, and how images are made its pixel values.
import type { ImageConfig } from "../image/preprocess.ts";
import type { BlipConfig, VisionConfig } from "../model/config.ts";
import { differentSettings, differentStates, differentTypes } from "./errors.ts";
import { imageConfigOf } from "./image-settings.ts";
import type { PreparedModel } from "./load-model.ts";

/** A part by what messages call it, and its sizes. */
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

/** A field in which two records differ, by its name in their files, with both values; undefined if there is none. */
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

/** The image encoder computes the same states for all parts. @throws {ModelError} `suite/different-states` */
export function expectSameStates(suite: string, [first, ...others]: readonly SizedPart[]): void {
  for (const other of others) {
    const found = first && difference(visionFields, first.config.vision, other.config.vision);
    if (found) throw differentStates(suite, [first.name, other.name], found);
  }
}

/** All parts compute in one type, as one engine does. @throws {ModelError} `suite/different-types` */
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

/** Images are made the same pixel values for all parts. @throws {ModelError} `suite/different-settings`, `image/bad-config` */
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
