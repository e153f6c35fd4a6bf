// The network's sizes, decided: shapes come from the tensors, heads and epsilons from config.json, and where config.json
// says a size, it must agree. What BLIP's files are known to get wrong is corrected here, with a warning.
import type { Architecture } from "../weights/architecture.ts";
import type { BlipConfig } from "../model/config.ts";
import type { Compat } from "../platform.ts";
import type { Warning } from "@blip-ts/base";
import { badConfig, badHeads, headsUnknown } from "./errors.ts";

/** `config` takes config.json's word (or transformers' default of 8); a number is taken as it is. */
export type TextHeads = "config" | number;

export interface ConfigOptions {
  readonly compat: Compat;
  readonly textHeads?: TextHeads | undefined;
}

/** What transformers takes for a text config that does not say its heads. */
const transformersTextHeads = 8;
/** What transformers takes for a config that does not say its joint embedding. */
const transformersJointEmbedding = 256;
/** The text width of every model that Salesforce released, and the heads with which all were trained. */
const salesforceTextWidth = 768;
const salesforceTextHeads = 12;
/** Heads of Salesforce's vision transformers by width: base and large. */
const salesforceVisionHeads: Readonly<Record<number, number>> = { 768: 12, 1024: 16 };

type Section = Readonly<Record<string, unknown>>;

const isSection = (value: unknown): value is Section =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function section(config: Section | undefined, key: string): Section {
  const value = config?.[key];
  return isSection(value) ? value : {};
}

function positiveInteger(name: string, config: Section, key: string): number | undefined {
  const value = config[key];
  if (value === undefined || value === null) return undefined;
  if (typeof value === "number" && Number.isSafeInteger(value) && value > 0) return value;
  throw badConfig(name, `${key}: expected a positive whole number, found ${JSON.stringify(value)}`);
}

function epsilon(name: string, config: Section, otherwise: number): number {
  const value = config.layer_norm_eps;
  if (value === undefined || value === null) return otherwise;
  if (typeof value === "number" && value >= 0 && value < 1) return value;
  throw badConfig(name, `layer_norm_eps: expected a small number, found ${JSON.stringify(value)}`);
}

/** Where config.json says a size that the tensors show, both must agree. */
function agree(name: string, where: string, config: Section, sizes: Readonly<Record<string, number>>): void {
  for (const [key, shown] of Object.entries(sizes)) {
    const said = positiveInteger(name, config, key);
    if (said !== undefined && said !== shown)
      throw badConfig(name, `${where}.${key} is ${said}, the tensors' shapes say ${shown}`);
  }
}

function expectGelu(name: string, where: string, config: Section): void {
  const act = config.hidden_act;
  if (act !== undefined && act !== "gelu")
    throw badConfig(name, `${where}.hidden_act is ${JSON.stringify(act)}, BLIP's networks have gelu`);
}

/**
 * Heads of the text transformer. Salesforce's first config files said 8 where the weights were trained with 12
 * (transformers issue 22625); itm-base-flickr's was most likely never corrected. Width 768 is therefore 12 unless told.
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
    said === undefined ? `does not say them (transformers then takes ${config})` : `says ${config}`;
  return {
    heads: salesforceTextHeads,
    warning: {
      code: "text-heads",
      message:
        `${name}: BLIP's text model of width 768 was trained with 12 attention heads, config.json ${configured}; 12 are used. ` +
        `For transformers' own answer use textHeads: "config" (--text-heads config).`,
    },
  };
}

/** What shapes show of a network. */
type KnownSizes = Required<Pick<Architecture, "vision" | "text">> & {
  readonly jointEmbedding: number | undefined;
};

/** config.json must not contradict what the tensors' shapes show. @throws {ModelError} `model/bad-config` */
function agreeWithShapes(
  name: string,
  { vision, text, jointEmbedding }: KnownSizes,
  json: Section | undefined,
) {
  const [visionJson, textJson] = [section(json, "vision_config"), section(json, "text_config")];
  agree(name, "vision_config", visionJson, {
    hidden_size: vision.hiddenSize,
    num_hidden_layers: vision.layers,
    intermediate_size: vision.intermediateSize,
    patch_size: vision.patchSize,
    image_size: vision.imageSize,
  });
  agree(name, "text_config", textJson, {
    hidden_size: text.hiddenSize,
    num_hidden_layers: text.layers,
    intermediate_size: text.intermediateSize,
    vocab_size: text.vocabSize,
    max_position_embeddings: text.maxPositions,
  });
  if (jointEmbedding !== undefined)
    agree(name, "config", json ?? {}, { image_text_hidden_size: jointEmbedding });
  expectGelu(name, "vision_config", visionJson);
  expectGelu(name, "text_config", textJson);
}

/**
 * The sizes of the network.
 * @param architecture what the tensors' shapes show; a file without projections has no joint embedding: config.json's
 * is then taken, or transformers' default
 * @param json the parsed config.json, or undefined where there is none
 * @throws {ModelError} `model/bad-config`, `model/bad-heads`, `model/heads-unknown`
 */
export function readConfig(
  name: string,
  architecture: KnownSizes,
  json: unknown,
  options: ConfigOptions,
): { readonly config: BlipConfig; readonly warnings: readonly Warning[] } {
  if (json !== undefined && !isSection(json)) throw badConfig(name, "expected an object");
  const { vision, text, jointEmbedding } = architecture;
  const [visionJson, textJson] = [section(json, "vision_config"), section(json, "text_config")];
  agreeWithShapes(name, architecture, json);
  const salesforce = text.hiddenSize === salesforceTextWidth && vision.hiddenSize in salesforceVisionHeads;
  if (json === undefined && !salesforce && typeof options.textHeads !== "number")
    throw headsUnknown(name, text.hiddenSize, vision.hiddenSize);
  const decided = decideTextHeads(
    name,
    text.hiddenSize,
    positiveInteger(name, textJson, "num_attention_heads"),
    options.textHeads,
    json !== undefined,
  );
  const visionHeads =
    positiveInteger(name, visionJson, "num_attention_heads") ??
    salesforceVisionHeads[vision.hiddenSize] ??
    // Without a config, the head width that was given for the text is the vision's too.
    (json === undefined ? vision.hiddenSize / (text.hiddenSize / decided.heads) : 12);
  divides(name, "vision", vision.hiddenSize, visionHeads);
  divides(name, "text", text.hiddenSize, decided.heads);
  const original = options.compat !== "hf" && text.hiddenSize === salesforceTextWidth;
  const { hiddenSize, layers, intermediateSize, imageSize, patchSize } = vision;
  return {
    warnings: decided.warning ? [decided.warning] : [],
    config: {
      jointEmbedding:
        jointEmbedding ??
        positiveInteger(name, json ?? {}, "image_text_hidden_size") ??
        transformersJointEmbedding,
      vision: {
        hiddenSize,
        layers,
        heads: visionHeads,
        intermediateSize,
        imageSize,
        patchSize,
        // models/vit.py builds every LayerNorm with 1e-6; transformers' config says 1e-5.
        layerNormEps: original ? 1e-6 : epsilon(name, visionJson, 1e-5),
      },
      text: {
        hiddenSize: text.hiddenSize,
        layers: text.layers,
        heads: decided.heads,
        intermediateSize: text.intermediateSize,
        vocabSize: text.vocabSize,
        maxPositions: text.maxPositions,
        layerNormEps: epsilon(name, textJson, 1e-12),
        ...(text.firstMergeLayer !== undefined && { firstMergeLayer: text.firstMergeLayer }),
      },
    },
  };
}

function divides(name: string, part: string, width: number, heads: number): void {
  if (!Number.isSafeInteger(heads) || heads < 1 || width % heads !== 0)
    throw badHeads(name, part, width, heads);
}
