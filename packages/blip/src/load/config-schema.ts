// The schema of config.json: the fields that this package reads or writes. transformers 4 wrote about sixty other
// fields into each section; the schema allows and ignores them.
import { schema } from "@blip-ts/base";
import { maxLayers } from "../weights/architecture.ts";
import { badConfig } from "./errors.ts";

const { maybe, whole, real, flag, fields, listOf, either, exactly } = schema;

/** The largest allowed width, and the most rows of a table. BLIP's largest values are 4,096 and 30,524. */
const maxWidth = 65_536;
const maxRows = 100_000_000;
const maxSide = 8_192;
const name = () => schema.text(256);
const share = () => real(0, 1);
const width = () => maybe(whole(1, maxWidth));
const id = () => maybe(whole(0, maxRows));

const section = {
  hidden_size: width(),
  intermediate_size: width(),
  projection_dim: width(),
  num_attention_heads: maybe(whole(1, maxWidth)),
  num_hidden_layers: maybe(whole(1, maxLayers)),
  layer_norm_eps: maybe(schema.only(real(0, 1), (value) => value < 1, "a small number, from 0 to below 1")),
  hidden_act: maybe(exactly("gelu", '"gelu", which BLIP\'s networks have')),
  attention_dropout: maybe(share()),
  initializer_range: maybe(real(0, 1_000)),
  model_type: maybe(name()),
};

const visionSchema = fields({
  ...section,
  image_size: maybe(whole(1, maxSide)),
  patch_size: maybe(whole(1, maxSide)),
  num_channels: maybe(whole(1, 16)),
});

const textSchema = fields({
  ...section,
  vocab_size: maybe(whole(1, maxRows)),
  max_position_embeddings: maybe(whole(1, maxRows)),
  encoder_hidden_size: width(),
  attention_probs_dropout_prob: maybe(share()),
  hidden_dropout_prob: maybe(share()),
  label_smoothing: maybe(share()),
  is_decoder: maybe(flag()),
  use_cache: maybe(flag()),
  tie_word_embeddings: maybe(flag()),
  bos_token_id: id(),
  pad_token_id: id(),
  sep_token_id: id(),
  eos_token_id: maybe(either([whole(0, maxRows), listOf(whole(0, maxRows), 100)], "an id, or a list of ids")),
});

const configSchema = fields({
  architectures: maybe(listOf(name(), 100)),
  model_type: maybe(name()),
  torch_dtype: maybe(name()),
  dtype: maybe(name()),
  transformers_version: maybe(name()),
  tie_word_embeddings: maybe(flag()),
  image_text_hidden_size: width(),
  projection_dim: width(),
  logit_scale_init_value: maybe(real(-1_000, 1_000)),
  initializer_factor: maybe(real(0, 1_000)),
  initializer_range: maybe(real(0, 1_000)),
  label_smoothing: maybe(share()),
  vision_config: maybe(visionSchema),
  text_config: maybe(textSchema),
});

/** The content of config.json, with checked types and bounds. */
export type ConfigFile = schema.Output<typeof configSchema>;

/** Checks config.json. @param file the file's name @throws {ModelError} `model/bad-config`, with the field's name */
export function checkConfig(file: string, json: unknown): ConfigFile {
  const { value, mismatch } = schema.checked(configSchema, json);
  if (mismatch) throw badConfig(file, schema.mismatchText(mismatch));
  return value;
}
