// Matching and contrast (models/blip_itm.py, models/blip_retrieval.py; transformers `BlipForImageTextRetrieval`), as
// three graphs that share their weights by name: a picture, a text, and both together.
import { GraphBuilder, type Graph, type Value } from "@blip-ts/graph";
import type { BlipConfig } from "./config.ts";
import { textModel } from "./text.ts";
import { visionModel } from "./vision.ts";

/** The state at index 0 of every sequence: [B, N, D] -> [B, D]. */
function firstState(b: GraphBuilder, states: Value): Value {
  const [B = 0, , D = 0] = b.dims(states, "B N D");
  return b.reshape(b.slice(states, 1, 0, 1), [B, D]);
}

function textInputs(b: GraphBuilder) {
  return {
    ids: b.input("input_ids", "int64", ["B", "T"]),
    positions: b.input("position_ids", "int64", ["T"]),
    mask: b.input("attention_mask", "int64", ["B", "T"]),
  };
}

/**
 * pixel_values [B, 3, height, width] -> image_embeds [B, N, D], all vision states, and image_features [B, E], the class
 * token's state projected to unit length.
 */
export function imageGraph(config: BlipConfig, height = config.vision.imageSize, width = height): Graph {
  const b = GraphBuilder.create("image");
  const pixels = b.input("pixel_values", "float32", ["B", 3, height, width]);
  const states = visionModel(b.at("vision_model"), pixels, config.vision);
  b.output("image_embeds", states);
  b.output(
    "image_features",
    b.l2Normalize(b.linear(firstState(b, states), "vision_proj", config.jointEmbedding)),
  );
  return b.build();
}

/** input_ids [B, T] -> question_embeds [B, T, D], the text alone, and text_features [B, E] of unit length. */
export function textGraph(config: BlipConfig): Graph {
  const b = GraphBuilder.create("text");
  const states = textModel(b.at("text_encoder"), textInputs(b), config.text);
  b.output("question_embeds", states);
  b.output(
    "text_features",
    b.l2Normalize(b.linear(firstState(b, states), "text_proj", config.jointEmbedding)),
  );
  return b.build();
}

/**
 * input_ids [B, T] with image_embeds [I, N, D'] -> question_embeds [B, T, D], the text as it looks at the image, and
 * itm_score [B, 2], logits of "does not match" and "matches". B is a multiple of I: each image has B/I texts in turn.
 */
export function matchGraph(config: BlipConfig): Graph {
  const b = GraphBuilder.create("match");
  const inputs = textInputs(b);
  const image = b.input("image_embeds", "float32", ["I", "N", config.vision.hiddenSize]);
  const states = textModel(b.at("text_encoder"), { ...inputs, image }, config.text);
  b.output("question_embeds", states);
  b.output("itm_score", b.linear(firstState(b, states), "itm_head", 2));
  return b.build();
}
