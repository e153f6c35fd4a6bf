// Determines the network's sizes. Shapes come from the tensors, heads and epsilons from config.json. Sizes in
// config.json must agree with the tensors. Known errors in BLIP's files are corrected here, with a warning.
import type { Architecture } from "../weights/architecture.ts";
import type { BlipConfig } from "../model/config.ts";
import type { Compat } from "../platform.ts";
import { schema, type Warning } from "@blip-ts/base";
import { checkConfig, type ConfigFile } from "./config-schema.ts";
import { badConfig, badHeads, headsUnknown, textHeadsCorrected } from "./errors.ts";

/** `config` uses the value in config.json (or transformers' default of 8); a number is used as given. */
export type TextHeads = "config" | number;

export interface ConfigOptions {
  readonly compat: Compat;
  readonly textHeads?: TextHeads | undefined;
}

/** transformers' default number of text heads, if config.json gives none. */
const transformersTextHeads = 8;
/** transformers' default width of the joint embedding, if config.json gives none. */
const transformersJointEmbedding = 256;
/** The text width of every model that Salesforce released, and the number of heads with which they were trained. */
const salesforceTextWidth = 768;
const salesforceTextHeads = 12;
/** The number of heads of Salesforce's vision transformers, by width: base and large. */
const salesforceVisionHeads: Readonly<Record<number, number>> = { 768: 12, 1024: 16 };

/** Checks that sizes in config.json agree with the tensors. @throws {ModelError} `model/bad-config` */
function agree(
  name: string,
  where: string,
  config: Readonly<Record<string, unknown>>,
  sizes: Readonly<Record<string, number>>,
): void {
  for (const [key, shown] of Object.entries(sizes)) {
    const said = config[key] ?? shown;
    if (said !== shown)
      throw badConfig(
        name,
        `${where}.${key}: expected ${shown}, as in the tensors' shapes, got ${schema.shownValue(said)}`,
      );
  }
}

/**
 * Determines the number of heads of the text transformer. Salesforce's first config files had 8, but the weights were
 * trained with 12 (transformers issue 22625). The file of itm-base-flickr was most likely never corrected. Therefore a
 * text model of width 768 has 12 heads by default.
 */
export function decideTextHeads(
  name: string,
  width: number,
  said: number | undefined,
  option: TextHeads | undefined,
  hasConfig: boolean,
): { readonly heads: number; readonly warning?: Warning } {
  if (typeof option === "number") return { heads: option };
  const config = said ?? transformersTextHeads;
  if (option === "config") return { heads: config };
  if (width !== salesforceTextWidth) return { heads: config };
  if (!hasConfig || config === salesforceTextHeads) return { heads: salesforceTextHeads };
  const configured =
    said === undefined ? `has no number (transformers then uses ${config})` : `has ${config}`;
  return {
    heads: salesforceTextHeads,
    warning: textHeadsCorrected(name, configured),
  };
}

/** The sizes that a network's shapes show. */
type KnownSizes = Required<Pick<Architecture, "vision" | "text">> & {
  readonly jointEmbedding: number | undefined;
};

/** Checks that config.json does not contradict the tensors' shapes. @throws {ModelError} `model/bad-config` */
function agreeWithShapes(
  name: string,
  { vision, text, jointEmbedding }: KnownSizes,
  json: ConfigFile | undefined,
) {
  agree(name, "vision_config", json?.vision_config ?? {}, {
    hidden_size: vision.hiddenSize,
    num_hidden_layers: vision.layers,
    intermediate_size: vision.intermediateSize,
    patch_size: vision.patchSize,
    image_size: vision.imageSize,
  });
  agree(name, "text_config", json?.text_config ?? {}, {
    hidden_size: text.hiddenSize,
    num_hidden_layers: text.layers,
    intermediate_size: text.intermediateSize,
    vocab_size: text.vocabSize,
    max_position_embeddings: text.maxPositions,
  });
  if (jointEmbedding !== undefined)
    agree(name, "config", json ?? {}, { image_text_hidden_size: jointEmbedding });
}

/**
 * Determines the sizes of the network.
 * @param architecture the sizes that the tensors' shapes show; for a file without projections, the width of the joint
 * embedding comes from config.json or is transformers' default
 * @param json the parsed config.json, or undefined if there is none
 * @throws {ModelError} `model/bad-config`, `model/bad-heads`, `model/heads-unknown`
 */
export function readConfig(
  name: string,
  architecture: KnownSizes,
  json: unknown,
  options: ConfigOptions,
): { readonly config: BlipConfig; readonly warnings: readonly Warning[] } {
  const { vision, text, jointEmbedding } = architecture;
  const said = json === undefined ? undefined : checkConfig(name, json);
  const [visionJson, textJson] = [said?.vision_config, said?.text_config];
  agreeWithShapes(name, architecture, said);
  const salesforce = text.hiddenSize === salesforceTextWidth && vision.hiddenSize in salesforceVisionHeads;
  if (json === undefined && !salesforce && typeof options.textHeads !== "number")
    throw headsUnknown(name, text.hiddenSize, vision.hiddenSize);
  const decided = decideTextHeads(
    name,
    text.hiddenSize,
    textJson?.num_attention_heads ?? undefined,
    options.textHeads,
    json !== undefined,
  );
  const visionHeads =
    visionJson?.num_attention_heads ??
    salesforceVisionHeads[vision.hiddenSize] ??
    // Without a config, the text model's given head width also applies to the vision model.
    (json === undefined ? vision.hiddenSize / (text.hiddenSize / decided.heads) : 12);
  divides(name, "vision", vision.hiddenSize, visionHeads);
  divides(name, "text", text.hiddenSize, decided.heads);
  const original = options.compat !== "hf" && text.hiddenSize === salesforceTextWidth;
  const { hiddenSize, layers, intermediateSize, imageSize, patchSize } = vision;
  return {
    warnings: decided.warning ? [decided.warning] : [],
    config: {
      jointEmbedding: jointEmbedding ?? said?.image_text_hidden_size ?? transformersJointEmbedding,
      vision: {
        hiddenSize,
        layers,
        heads: visionHeads,
        intermediateSize,
        imageSize,
        patchSize,
        // models/vit.py builds every LayerNorm with 1e-6; transformers' config says 1e-5.
        layerNormEps: original ? 1e-6 : (visionJson?.layer_norm_eps ?? 1e-5),
      },
      text: {
        hiddenSize: text.hiddenSize,
        layers: text.layers,
        heads: decided.heads,
        intermediateSize: text.intermediateSize,
        vocabSize: text.vocabSize,
        maxPositions: text.maxPositions,
        layerNormEps: textJson?.layer_norm_eps ?? 1e-12,
        ...(text.firstMergeLayer !== undefined && { firstMergeLayer: text.firstMergeLayer }),
      },
    },
  };
}

function divides(name: string, part: string, width: number, heads: number): void {
  if (!Number.isSafeInteger(heads) || heads < 1 || width % heads !== 0)
    throw badHeads(name, part, width, heads);
}
