// The encoders as graphs that share their weights by name: for an image, a text, and a text with cross-attention to one
// or two images. models/blip_itm.py, blip_retrieval.py, blip_nlvr.py, blip_vqa.py; transformers
// `BlipForImageTextRetrieval`, `BlipModel`.
import { GraphBuilder, type Graph, type Value } from "@blip-ts/graph";
import type { BlipConfig } from "./config.ts";
import { at, inputPairs } from "./kv-cache.ts";
import { paddingBias, textModel, type CrossAttentionSource } from "./text.ts";
import { visionModel } from "./vision.ts";

/** Selects the first state of every sequence: [B, N, D] -> [B, D]. */
function firstState(b: GraphBuilder, states: Value): Value {
  const [B, , D] = b.dims(states, "B N D");
  return b.reshape(b.slice(states, 1, 0, 1), [B, D]);
}

/** Creates the inputs of a text: ids [B, T], their positions, and a mask, so that no token attends to padding. */
function textInputs(b: GraphBuilder) {
  const ids = b.input("input_ids", "int64", ["B", "T"]);
  const positions = b.input("position_ids", "int64", ["T"]);
  const mask = b.input("attention_mask", "int64", ["B", "T"]);
  return { ids, positions, bias: paddingBias(b, mask) };
}

/** y = x W^T without a bias; `name.weight` is [out, in]. */
function bareLinear(b: GraphBuilder, x: Value, name: string, out: number): Value {
  return b.op("linear", [x, b.at(name).weight("weight", [out, Number(x.shape.at(-1))])], {});
}

/** The image size, and the head on the class token. */
export interface ImageGraphOptions {
  readonly height?: number;
  readonly width?: number;
  /** `contrastive`: the joint embedding of matching; `dual`: that of transformers' `BlipModel`. */
  readonly head?: "contrastive" | "dual" | undefined;
}

/**
 * pixel_values [B, 3, height, width] -> image_embeds [B, N, D], all vision states. A head adds image_projection [B, E],
 * the projection of the class token's state, and image_features [B, E], that projection at unit length.
 */
export function imageGraph(config: BlipConfig, options: ImageGraphOptions = {}): Graph {
  const { height = config.vision.imageSize, width = height, head } = options;
  const b = GraphBuilder.create("image");
  const pixels = b.input("pixel_values", "float32", ["B", 3, height, width]);
  const states = visionModel(b.at("vision_model"), pixels, config.vision);
  b.output("image_embeds", states);
  if (head === undefined) return b.build();
  // transformers' `pooler_output` applies post_layernorm to the class token a second time; only `BlipModel` reads it.
  const projection =
    head === "contrastive"
      ? b.linear(firstState(b, states), "vision_proj", config.jointEmbedding)
      : bareLinear(
          b,
          b.at("vision_model").layerNorm(firstState(b, states), "post_layernorm", config.vision.layerNormEps),
          "visual_projection",
          config.jointEmbedding,
        );
  b.output("image_projection", projection);
  b.output("image_features", b.l2Normalize(projection));
  return b.build();
}

/**
 * input_ids [B, T] -> question_embeds [B, T, D], without images. A head adds text_projection [B, E] and text_features
 * [B, E], that projection at unit length.
 */
export function textGraph(
  config: BlipConfig,
  head?: ImageGraphOptions["head"],
  { firstOnly = false }: Pick<MultimodalGraphOptions, "firstOnly"> = {},
): Graph {
  const b = GraphBuilder.create("text");
  const prefix = head === "dual" ? "text_model" : "text_encoder";
  const { states } = textModel(b.at(prefix), { ...textInputs(b), firstOnly }, config.text);
  if (!firstOnly) b.output("question_embeds", states);
  if (head === undefined) return b.build();
  const first = firstState(b, states);
  const projection =
    head === "contrastive"
      ? b.linear(first, "text_proj", config.jointEmbedding)
      : bareLinear(
          b,
          b.tanh(b.linear(first, "text_model.pooler.dense", config.text.hiddenSize)),
          "text_projection",
          config.jointEmbedding,
        );
  b.output("text_projection", projection);
  b.output("text_features", b.l2Normalize(projection));
  return b.build();
}

/** The head of a text with cross-attention to images. */
export type MultimodalHead = "itm" | "nlvr" | undefined;

/**
 * The form of cross-attention to images. All forms compute the same function. `plain` computes keys and values from the
 * states in the graph. `cached` takes keys and values as inputs, computed once per image by `crossKeysAndValuesGraph`
 * of `text_encoder`. `folded` attends to the states directly.
 */
export type CrossAttentionForm = "plain" | "cached" | "folded";

export interface MultimodalGraphOptions {
  readonly form?: CrossAttentionForm;
  /** Computes only each text's first state in the last layer, and omits question_embeds. */
  readonly firstOnly?: boolean;
}

/**
 * input_ids [B, T] with image_embeds [I, N, D'] -> question_embeds [B, T, D], the text with cross-attention to the
 * image. B is a multiple of I: the first B/I texts belong to the first image, and so on. The form `cached` takes
 * cross.L.key and cross.L.value [I, H, N, K] instead of image_embeds. Head `itm` adds itm_score [B, 2], logits of "does
 * not match" and "matches". Head `nlvr` takes a second image, image_embeds_1, and adds nlvr_score [B, 2], logits of
 * "false" and "true".
 */
export function multimodalGraph(
  config: BlipConfig,
  head?: MultimodalHead,
  { form = "plain", firstOnly = false }: MultimodalGraphOptions = {},
): Graph {
  const name = head === "itm" ? "match" : head === "nlvr" ? "compare" : "multimodal";
  const b = GraphBuilder.create(form === "plain" ? name : `${name}-${form}`);
  const inputs = textInputs(b);
  const crossAttendTo =
    form === "cached" ? cachedKeysAndValues(b, config) : imageStates(b, config, head, form);
  const { states } = textModel(b.at("text_encoder"), { ...inputs, crossAttendTo, firstOnly }, config.text);
  if (!firstOnly) b.output("question_embeds", states);
  const first = firstState(b, states);
  if (head === "itm") b.output("itm_score", b.linear(first, "itm_head", 2));
  if (head === "nlvr") {
    const inner = b.relu(b.linear(first, "cls_head.0", config.text.hiddenSize));
    b.output("nlvr_score", b.linear(inner, "cls_head.2", 2));
  }
  return b.build();
}

/**
 * states [B, T, D] of images or texts -> features [B, T, E]: the unit vector of every token, not only of the first
 * (LAVIS blip_feature_extractor.py).
 */
export function projectionGraph(config: BlipConfig, of: "image" | "text"): Graph {
  const b = GraphBuilder.create(`project ${of}`);
  const [prefix, width] =
    of === "image" ? ["vision_proj", config.vision.hiddenSize] : ["text_proj", config.text.hiddenSize];
  const states = b.input("states", "float32", ["B", "T", width]);
  b.output("features", b.l2Normalize(b.linear(states, prefix, config.jointEmbedding)));
  return b.build();
}

type SourcesOfLayer = (layer: number) => readonly CrossAttentionSource[];

/** The states of an image, or of two images for NLVR2. All layers attend to the same states. */
function imageStates(
  b: GraphBuilder,
  { vision }: BlipConfig,
  head: MultimodalHead,
  form: CrossAttentionForm,
): SourcesOfLayer {
  const names = ["image_embeds", ...(head === "nlvr" ? ["image_embeds_1"] : [])];
  const sources = names.map((name): CrossAttentionSource => {
    const states = b.input(name, "float32", ["I", "N", vision.hiddenSize]);
    return form === "folded" ? { folded: states } : { of: states };
  });
  return () => sources;
}

/** The precomputed keys and values of each layer. */
function cachedKeysAndValues(b: GraphBuilder, { text }: BlipConfig): SourcesOfLayer {
  const pairs = inputPairs(b, "cross", "I", "N", text);
  return (layer) => [{ of: at(pairs, layer) }];
}
