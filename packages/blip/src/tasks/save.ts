// A model as a folder that transformers loads: Hugging Face's names, config, preprocessor and tokenizer files.
import { closing } from "@blip-ts/base";
import type { StoredTensor } from "../checkpoint/stored-tensor.ts";
import { sameTensor, safetensorsBytes, type WritableTensors } from "../checkpoint/write-safetensors.ts";
import { UsageError } from "../errors.ts";
import { defaultImageConfig } from "../image/image-processor.ts";
import type { Platform, Warning } from "../platform.ts";
import {
  checkTensors,
  configOf,
  decoderToken,
  isDual,
  type LoadedNetwork,
  type NetworkTask,
} from "./load-network.ts";
import { readImageSettings } from "./image-settings.ts";
import { checkModelOptions, type ModelOptions } from "./model-options.ts";
import { expectTask, openSource, readJson, readTokenizer, type OpenedModel } from "./open-model.ts";
import type { BlipConfig } from "../model/config.ts";
import { unlessAborted, untilAborted } from "../runtime/unless-aborted.ts";
import type { BertTokenizer } from "../text/word-piece.ts";

/** What a class is made of, by top-level module, and what transformers calls it. */
interface SavedClass {
  readonly architecture: string;
  readonly modules: readonly string[];
}

const classes: Readonly<Record<NetworkTask, SavedClass>> = {
  match: {
    architecture: "BlipForImageTextRetrieval",
    modules: ["vision_model", "text_encoder", "vision_proj", "text_proj", "itm_head"],
  },
  embed: {
    architecture: "BlipModel",
    modules: ["vision_model", "text_model", "visual_projection", "text_projection", "logit_scale"],
  },
  caption: { architecture: "BlipForConditionalGeneration", modules: ["vision_model", "text_decoder"] },
  ask: {
    architecture: "BlipForQuestionAnswering",
    modules: ["vision_model", "text_encoder", "text_decoder"],
  },
  compare: { architecture: "BlipForNLVR", modules: ["vision_model", "text_encoder", "cls_head"] },
};

/** What is saved: all that is known of a model but its engine. */
type Saved = Pick<LoadedNetwork, "platform" | "opened" | "json" | "config" | "tokenizer">;

/** Weights of another type than the file's: what becomes of its tensors, and what is said of it. */
export interface ConvertedWeights {
  tensors(originals: ReadonlyMap<string, StoredTensor>): WritableTensors;
  /** Replaces fields of config.json. */
  readonly config: Json;
  readonly metadata: Readonly<Record<string, string>>;
}

const alreadyQuantized = (name: string): UsageError =>
  new UsageError(
    "save/quantized",
    `${name} holds 8-bit weights, which can be run but not written in another form: give the original model`,
    { name },
  );

interface SaveOptions {
  readonly convertTo?: ConvertedWeights | undefined;
  /** Stops the writing: no folder is left. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Writes config.json, model.safetensors, preprocessor_config.json and the tokenizer's files.
 * @param task which class the folder is to be of
 * @throws {UsageError} `save/exists`, `save/cannot-write`
 */
export async function savePretrained(
  saved: Saved,
  task: NetworkTask,
  folder: string,
  { convertTo, signal }: SaveOptions = {},
): Promise<void> {
  const { opened, platform } = saved;
  if (opened.quantized.size > 0) throw alreadyQuantized(opened.files.name);
  // Without projections of its own model, features come from a file of matching: that is its class.
  const kind = classes[task === "embed" && !isDual(opened) ? "match" : task];
  const { tensors, tied } = await unlessAborted(tensorsOf(opened, kind), signal);
  const written = convertTo?.tensors(tensors) ?? tensors;
  const files: Record<string, object> = {
    "config.json": { ...configJson(saved, kind, tied, tensors), ...convertTo?.config },
    "preprocessor_config.json": await preprocessorJson(saved),
    "tokenizer_config.json": tokenizerConfig(saved.config),
    "tokenizer.json":
      ((await readJson(opened.files, "tokenizer.json")) as object | undefined) ?? saved.tokenizer.toJson(),
  };
  const vocabulary = (await opened.files.read("vocab.txt")) ?? saved.tokenizer.toVocabulary();
  signal?.throwIfAborted();
  await closing(await platform.createFolder(folder), async (writer) => {
    for (const [name, json] of Object.entries(files)) await writer.write(name, jsonText(json));
    await writer.write("vocab.txt", vocabulary);
    const bytes = safetensorsBytes(written, convertTo?.metadata);
    await writer.write("model.safetensors", untilAborted(bytes, signal));
    signal?.throwIfAborted();
    await writer.commit();
  });
}

/** Fields that transformers declares as floats: it refuses a 0 where it expects 0.0. */
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

const jsonText = (json: object): string =>
  `${JSON.stringify(json, undefined, 2).replace(wholeFloat, "$1.0$2")}\n`;

const words = "text_decoder.bert.embeddings.word_embeddings.weight";
const matrix = "text_decoder.cls.predictions.decoder.weight";
const bias = "text_decoder.cls.predictions.bias";
const secondBias = "text_decoder.cls.predictions.decoder.bias";

/** The class's tensors; those that are tied only once, as transformers 5 saves them. */
async function tensorsOf({ tensors }: OpenedModel, { modules }: SavedClass) {
  const kept = new Map([...tensors].filter(([name]) => modules.includes(name.split(".", 1)[0] ?? "")));
  const [own, embeddings] = [kept.get(matrix), kept.get(words)];
  const tied = !own || !embeddings || (await sameTensor(own, embeddings));
  if (tied) kept.delete(matrix);
  const second = kept.get(secondBias);
  if (second && !kept.has(bias)) kept.set(bias, second);
  if (tied) kept.delete(secondBias);
  return { tensors: kept, tied };
}

type Json = Readonly<Record<string, unknown>>;
const section = (value: unknown): Json =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : {};

/** transformers' names of element types. */
const dtypeNames: Readonly<Record<string, string>> = {
  float16: "float16",
  bfloat16: "bfloat16",
  float64: "float64",
};

function configJson(
  { json, config, tokenizer }: Saved,
  { architecture }: SavedClass,
  tied: boolean,
  tensors: ReadonlyMap<string, StoredTensor>,
): Json {
  const given = section(json);
  const { vision, text } = config;
  const [visionGiven, textGiven] = [section(given.vision_config), section(given.text_config)];
  const dtype = tensors.values().next().value?.dtype ?? "float32";
  const dec = tokenizer.vocabulary.get("[DEC]") ?? decoderToken(json);
  return {
    // BlipModel's two widths have defaults that files may rely on.
    projection_dim: 512,
    logit_scale_init_value: 2.6592,
    initializer_factor: 1,
    initializer_range: 0.02,
    ...given,
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
      // Generation ends at sep_token_id; this one is read by nothing.
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
 * The image settings, whichever file they came from. They are written under the older name alone, which all versions of
 * transformers read.
 */
async function preprocessorJson({ opened, config }: Saved): Promise<Json> {
  const side = config.vision.imageSize;
  const given = section((await readImageSettings(opened.files))?.fields);
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
    ...given,
    size: { height: side, width: side },
  };
}

const tokenizerConfig = ({ text }: BlipConfig): Json => ({
  cls_token: "[CLS]",
  do_lower_case: true,
  mask_token: "[MASK]",
  model_input_names: ["input_ids", "attention_mask"],
  model_max_length: text.maxPositions,
  pad_token: "[PAD]",
  processor_class: "BlipProcessor",
  sep_token: "[SEP]",
  strip_accents: null,
  tokenize_chinese_chars: true,
  tokenizer_class: "BertTokenizer",
  unk_token: "[UNK]",
});

/** Of several tasks that one class does, the class's own. */
const convertible: readonly NetworkTask[] = ["match", "caption", "ask", "compare", "embed"];

export interface ConvertOptions extends ModelOptions {
  /** Which model a file of several (a pre-trained one) is to become. */
  readonly task?: string | undefined;
}

function chooseTask(opened: OpenedModel, asked: string | undefined): NetworkTask {
  const can = convertible.filter((task) => opened.tasks.tasks.includes(task));
  // What matches also makes features: one class does both.
  const own = can.filter((task) => task !== "embed" || !can.includes("match"));
  if (asked !== undefined) {
    const chosen = convertible.find((task) => task === asked);
    if (!chosen)
      throw new UsageError("usage/bad-option", `task: expected ${own.join(" or ")}, found ${asked}`, {
        asked,
      });
    expectTask(opened, chosen);
    return chosen;
  }
  const [first, ...others] = own;
  if (first === undefined) expectTask(opened, "match");
  if (first === undefined || others.length > 0)
    throw new UsageError(
      "save/several-models",
      `${opened.files.name} holds the models of several tasks (${own.join(", ")}), and a Hugging Face folder holds one: ` +
        "say which with task (--task)",
      { tasks: own },
    );
  return first;
}

/** What a folder was made of. */
export interface Conversion {
  readonly task: string;
  /** transformers' name of the class that loads it. */
  readonly architecture: string;
  readonly warnings: readonly Warning[];
}

/**
 * Any checkpoint to a Hugging Face folder: names, config, processor.
 * @returns what was written, with a warning where transformers has no class for the folder
 * @param convertTo changes the weights by the way; without it numbers stay as they are
 * @throws {ModelError} where the model cannot be used @throws {UsageError} `save/...`
 */
export async function convert(
  platform: Platform<never>,
  source: string,
  folder: string,
  options: ConvertOptions = {},
  convertTo?: ConvertedWeights,
): Promise<Conversion> {
  checkModelOptions(options);
  const { signal } = options;
  const opened = await openSource(platform, source, options);
  const task = chooseTask(opened, options.task);
  expectTask(opened, task);
  // An original file was trained with the original's epsilon; a Hugging Face one says its own.
  const compat = opened.dialect === "original" ? "blip" : "hf";
  const { json, config, warnings } = await unlessAborted(
    configOf(opened, { ...options, compat }, task),
    signal,
  );
  checkTensors(opened, config, [task]);
  const tokenizer: BertTokenizer = await unlessAborted(
    readTokenizer(opened.files, config.text.vocabSize, () => platform.bundledVocabulary()),
    signal,
  );
  const all = [...warnings, ...classWarnings(opened, task, config)];
  const warn = options.onWarning ?? ((warning: Warning) => platform.warn(warning));
  all.forEach(warn);
  await savePretrained({ platform, opened, json, config, tokenizer }, task, folder, { convertTo, signal });
  return { task, architecture: classes[task].architecture, warnings: all };
}

function classWarnings({ files }: OpenedModel, task: NetworkTask, { vision, text }: BlipConfig): Warning[] {
  const why =
    task === "compare"
      ? "transformers has no class for NLVR2"
      : task === "ask" && vision.hiddenSize !== text.hiddenSize
        ? "transformers' BlipForQuestionAnswering expects answers to attend to states as wide as the picture's"
        : undefined;
  return why === undefined
    ? []
    : [
        {
          code: "save/no-class",
          message: `${files.name}: ${why}; this package loads the folder, transformers does not`,
        },
      ];
}
