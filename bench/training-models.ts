// The models that bench/train-step.ts trains: two networks, their losses and their batches, built from this package's
// layers.
import { floatTensor, GraphBuilder, int64Tensor, type Graph, type Tensor, type Value } from "@blip-ts/graph";
import type { BlipConfig } from "../packages/blip/src/model/config.ts";
import { languageModelHead, scope } from "../packages/blip/src/model/decoder.ts";
import { languageModelTies } from "../packages/blip/src/model/language-model.ts";
import { causalBias, paddingBias, textModel } from "../packages/blip/src/model/text.ts";
import { visionModel } from "../packages/blip/src/model/vision.ts";
import type { Objective } from "../packages/blip/src/train/objective.ts";

/** D width, L and TL layers of image and text, S image side, T tokens, B batch, V vocabulary size. */
export const sizes = {
  tiny: { D: 64, heads: 2, L: 1, TL: 1, S: 48, T: 6, B: 3, V: 50 },
  small: { D: 192, heads: 3, L: 6, TL: 4, S: 128, T: 24, B: 64, V: 2048 },
  "base/3": { D: 768, heads: 12, L: 4, TL: 4, S: 224, T: 24, B: 2, V: 30524 },
  base: { D: 768, heads: 12, L: 12, TL: 12, S: 224, T: 24, B: 2, V: 30524 },
  "base, 384 px": { D: 768, heads: 12, L: 12, TL: 12, S: 384, T: 24, B: 2, V: 30524 },
} as const;

export type Size = (typeof sizes)[keyof typeof sizes];

/**
 * `lm`: a captioner that predicts each token from those before it. `itm`: a text encoder with cross-attention to the
 * image, and a head with two logits on its first state.
 */
export const objectives = ["lm", "itm"] as const;

export type ObjectiveName = (typeof objectives)[number];

type Batch = Readonly<Record<string, Tensor>>;

const configOf = ({ D, heads, L, TL, S, T, V }: Size): BlipConfig => ({
  vision: {
    ...{ hiddenSize: D, layers: L, heads, intermediateSize: 4 * D },
    ...{ imageSize: S, patchSize: 16, layerNormEps: 1e-5 },
  },
  text: {
    ...{ hiddenSize: D, layers: TL, heads, intermediateSize: 4 * D },
    ...{ vocabSize: V, maxPositions: Math.max(32, T), layerNormEps: 1e-12 },
  },
  jointEmbedding: 1,
});

/** The image's states [B, N, D]. */
function imageStates(b: GraphBuilder, { S }: Size, config: BlipConfig): Value {
  return visionModel(b.at("vision_model"), b.input("pixels", "float32", ["B", 3, S, S]), config.vision);
}

function captioner(size: Size): Graph {
  const config = configOf(size);
  const b = GraphBuilder.create("captioner");
  const states = imageStates(b, size, config);
  const input = (name: string) => b.input(name, "int64", ["B", size.T]);
  const positions = input("positions");
  const { states: hidden } = textModel(
    b.at(scope),
    {
      ids: input("ids"),
      positions,
      bias: causalBias(b, positions, positions),
      crossAttendTo: () => [{ of: states, mask: undefined }],
    },
    config.text,
  );
  const losses = b.crossEntropy(languageModelHead(b, hidden, config), input("labels"), 0);
  b.output("loss", b.multiply(b.sum(losses, [0, 1]), b.input("share", "float32", [])));
  return b.build();
}

function matcher(size: Size): Graph {
  const config = configOf(size);
  const b = GraphBuilder.create("matcher");
  const states = imageStates(b, size, config);
  const input = (name: string) => b.input(name, "int64", ["B", size.T]);
  const { states: hidden } = textModel(
    b.at("text_encoder"),
    {
      ids: input("ids"),
      positions: input("positions"),
      bias: paddingBias(b, input("mask")),
      crossAttendTo: () => [{ of: states, mask: undefined }],
      firstOnly: true,
    },
    config.text,
  );
  const first = b.reshape(hidden, ["B", size.D]);
  const losses = b.crossEntropy(b.linear(first, "itm_head", 2), b.input("labels", "int64", ["B"]), 0);
  b.output("loss", b.multiply(b.sum(losses, [0]), b.input("share", "float32", [])));
  return b.build();
}

/** The objective. Its batches are the graph's inputs. */
export function objectiveOf(name: ObjectiveName, size: Size): Objective<Batch> {
  const graph = name === "lm" ? captioner(size) : matcher(size);
  const ties = name === "lm" ? { ties: languageModelTies } : {};
  return { name, graph: { graph, loss: "loss", ...ties }, inputs: (batch) => batch };
}

/** Numbers of magnitude about 1 that do not repeat soon. */
const noise = (length: number, seed: number) =>
  Float32Array.from({ length }, (_, index) => Math.sin((index + 1) * 12.9898 * seed));

/** The inputs of both networks. */
function pairs({ B, S, T, V }: Size, turn: number) {
  const words = (step: number) =>
    Array.from({ length: B * T }, (_, index) => (index * (step + 2 * turn) + 3) % V);
  const inputs = {
    pixels: floatTensor([B, 3, S, S], noise(B * 3 * S * S, 1 + turn)),
    ids: int64Tensor([B, T], words(7)),
    positions: int64Tensor(
      [B, T],
      words(7).map((_, index) => index % T),
    ),
  };
  return { inputs, labels: int64Tensor([B, T], words(11)) };
}

/** The batch of a turn, from 0. For ITM, every second pair is a true one, and its text is two tokens shorter than T. */
export function batchOf(name: ObjectiveName, size: Size, turn: number): Batch {
  const { B, T } = size;
  const { inputs, labels } = pairs(size, turn);
  if (name === "lm") return { ...inputs, labels, share: floatTensor([], [1 / (B * T)]) };
  const isTrue = Array.from({ length: B }, (_, row) => (row + turn) % 2);
  return {
    ...inputs,
    mask: int64Tensor(
      [B, T],
      isTrue.flatMap((label) => Array.from({ length: T }, (_, token) => (token < T - 2 * label ? 1 : 0))),
    ),
    labels: int64Tensor([B], isTrue),
    share: floatTensor([], [1 / B]),
  };
}
