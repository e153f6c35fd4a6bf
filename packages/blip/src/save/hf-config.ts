// The small files of a Hugging Face folder: config.json, preprocessor and tokenizer files.
import type { StoredTensor } from "@blip-ts/checkpoint";
import { defaultImageConfig } from "../image/preprocess.ts";
import type { LoadedNetwork } from "../load/load-model.ts";
import type { SavedClass } from "../tasks/task.ts";
import { decoderToken } from "../load/special-tokens.ts";
import { readImageSettings } from "../load/image-settings.ts";
import { readJson } from "../load/open-model.ts";
import { normalizerOf } from "../text/tokenizer-file.ts";

/** The parts of a loaded model that saving needs. */
export type Saved = Pick<LoadedNetwork, "platform" | "opened" | "json" | "config" | "tokenizer">;

/** Fields that transformers declares as floats and that must be written as 0.0 instead of 0. */
const floatFields = [
  ...["attention_dropout", "attention_probs_dropout_prob", "hidden_dropout_prob", "label_smoothing"],
  ...[
    "initializer_factor",
    "initializer_range",
    "layer_norm_eps",
    "logit_scale_init_value",
    "rescale_factor",
  ],
].join("|");

const wholeFloat = new RegExp(String.raw`^(\s*"(?:${floatFields})": -?\d+)(,?)$`, "gm");

export const jsonText = (json: object): string =>
  `${JSON.stringify(json, undefined, 2).replace(wholeFloat, "$1.0$2")}\n`;

export type Json = Readonly<Record<string, unknown>>;

const section = (value: unknown): Json =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : {};

/** transformers' names of element types. */
const dtypeNames: Readonly<Record<string, string>> = {
  float16: "float16",
  bfloat16: "bfloat16",
  float64: "float64",
};

/**
 * The type that can represent all weights. Weights changed by an adapter are float32, next to half-precision weights.
 */
function widestType(tensors: ReadonlyMap<string, StoredTensor>): string {
  const types = new Set([...tensors.values()].map(({ dtype }) => dtype));
  const [only = "float32"] = types;
  if (types.size < 2) return only;
  return types.has("float64") ? "float64" : "float32";
}

export function configJson(
  { json, config, tokenizer }: Saved,
  { architecture }: SavedClass,
  tied: boolean,
  tensors: ReadonlyMap<string, StoredTensor>,
): Json {
  const original = section(json);
  const { vision, text } = config;
  const [visionGiven, textGiven] = [section(original.vision_config), section(original.text_config)];
  const dtype = widestType(tensors);
  const dec = tokenizer.vocabulary.get("[DEC]") ?? decoderToken(json);
  return {
    // BlipModel's two widths have defaults that files may rely on.
    projection_dim: 512,
    logit_scale_init_value: 2.6592,
    initializer_factor: 1,
    initializer_range: 0.02,
    ...original,
    architectures: [architecture],
    model_type: "blip",
    dtype: dtypeNames[dtype] ?? "float32",
    tie_word_embeddings: tied,
    ...(architecture === "BlipModel"
      ? { projection_dim: config.jointEmbedding }
      : { image_text_hidden_size: config.jointEmbedding }),
    text_config: {
      attention_probs_dropout_prob: 0,
      bos_token_id: dec,
      // Generation ends at sep_token_id; nothing reads eos_token_id.
      eos_token_id: tokenizer.sepId,
      hidden_act: "gelu",
      hidden_dropout_prob: 0,
      initializer_range: 0.02,
      is_decoder: true,
      label_smoothing: 0,
      model_type: "blip_text_model",
      pad_token_id: tokenizer.padId,
      projection_dim: 768,
      sep_token_id: tokenizer.sepId,
      use_cache: true,
      ...textGiven,
      encoder_hidden_size: vision.hiddenSize,
      hidden_size: text.hiddenSize,
      intermediate_size: text.intermediateSize,
      layer_norm_eps: text.layerNormEps,
      max_position_embeddings: text.maxPositions,
      num_attention_heads: text.heads,
      num_hidden_layers: text.layers,
      tie_word_embeddings: tied,
      vocab_size: text.vocabSize,
    },
    vision_config: {
      attention_dropout: 0,
      hidden_act: "gelu",
      initializer_range: 0.02,
      model_type: "blip_vision_model",
      projection_dim: 512,
      ...visionGiven,
      hidden_size: vision.hiddenSize,
      image_size: vision.imageSize,
      intermediate_size: vision.intermediateSize,
      layer_norm_eps: vision.layerNormEps,
      num_attention_heads: vision.heads,
      num_hidden_layers: vision.layers,
      patch_size: vision.patchSize,
    },
  };
}

/**
 * The image settings, from either source file. They are written only under the older file name, which all versions of
 * transformers read.
 */
export async function preprocessorJson({ opened, config }: Saved): Promise<Json> {
  const side = config.vision.imageSize;
  const settings = section((await readImageSettings(opened.files))?.fields);
  const { mean, std } = defaultImageConfig(side);
  return {
    do_normalize: true,
    do_rescale: true,
    do_resize: true,
    image_mean: mean,
    image_processor_type: "BlipImageProcessor",
    image_std: std,
    processor_class: "BlipProcessor",
    resample: 3,
    rescale_factor: 1 / 255,
    ...settings,
    size: { height: side, width: side },
  };
}

/** tokenizer_config.json: the settings of reading and truncating texts, from the model's own files. */
export function tokenizerConfig({ config, tokenizer }: Saved): Json {
  const { rules, specials, maxLength = config.text.maxPositions } = tokenizer;
  const accents = rules.stripsAccents === rules.lowercase ? null : rules.stripsAccents;
  return {
    ...(specials.length > 0 && { additional_special_tokens: specials }),
    cls_token: "[CLS]",
    do_lower_case: rules.lowercase,
    mask_token: "[MASK]",
    model_input_names: ["input_ids", "attention_mask"],
    model_max_length: Math.min(maxLength, config.text.maxPositions),
    pad_token: "[PAD]",
    processor_class: "BlipProcessor",
    sep_token: "[SEP]",
    strip_accents: accents,
    tokenize_chinese_chars: rules.partsChinese,
    tokenizer_class: "BertTokenizer",
    unk_token: "[UNK]",
  };
}

/** The model's own tokenizer.json. If its normalizer is not the one in use, the normalizer is replaced. */
export async function tokenizerFileJson({
  opened,
  tokenizer,
}: Pick<Saved, "opened" | "tokenizer">): Promise<object> {
  const own = await readJson(opened.files, "tokenizer.json");
  if (own === undefined) return tokenizer.toJson();
  return tokenizer.warnings.length === 0
    ? (own as object)
    : { ...(own as object), normalizer: normalizerOf(tokenizer.rules) };
}

/** The unchanged generation_config.json, if the model has one, so that users of the saved model can request it. */
export const generationJson = async ({ opened }: Pick<Saved, "opened">): Promise<object | undefined> =>
  (await readJson(opened.files, "generation_config.json")) as object | undefined;
