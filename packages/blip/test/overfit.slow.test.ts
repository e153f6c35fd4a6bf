// Every task learns eight samples by heart, from scratch, until its loss is what its targets leave: the entropy that label
// smoothing and shared targets have. Then the weights alone reproduce what was learned.
import { must } from "@blip-ts/base";
import { memorySource, type StoredTensor } from "@blip-ts/checkpoint";
import { evaluate, floatTensor, GraphBuilder, int64Tensor, type Graph, type Tensor } from "@blip-ts/graph";
import { expect, test } from "vitest";
import { namedNoise } from "./support/training-noise.ts";
import { nodeTraining } from "../src/platform/node/training-platform.ts";
import type { BlipConfig } from "../src/model/config.ts";
import { languageModelHead, scope } from "../src/model/decoder.ts";
import { imageGraph, multimodalGraph, textGraph } from "../src/model/encoders.ts";
import { causalBias, textModel } from "../src/model/text.ts";
import { createTrainer } from "../src/train/loop/trainer.ts";
import type { ImageBatch, Tokens } from "../src/train/objectives/batches.ts";
import type { ComposedObjective } from "../src/train/objectives/compose.ts";
import { initialWeights } from "../src/train/objectives/init.ts";
import { labelSmoothing } from "../src/train/objectives/language.ts";
import {
  captionObjective,
  matchObjective,
  nlvrObjective,
  pretrainObjective,
  vqaObjective,
} from "../src/train/objectives/tasks.ts";
import { rowsOf } from "../src/train/objectives/token-rows.ts";

const count = 8;
const [CLS, SEP, padding, decoder, encoder] = [1, 2, 0, 38, 39];
const tokens = { padding, decoder, encoder };
const config: BlipConfig = {
  vision: {
    ...{ hiddenSize: 32, layers: 1, heads: 2, intermediateSize: 64 },
    ...{ imageSize: 16, patchSize: 8, layerNormEps: 1e-6 },
  },
  text: {
    ...{ hiddenSize: 32, layers: 1, heads: 2, intermediateSize: 64 },
    ...{ vocabSize: 40, maxPositions: 10, layerNormEps: 1e-12, firstMergeLayer: 0 },
  },
  jointEmbedding: 16,
};
const plain = { batch: count, dropout: 0, dropPath: 0, tokens };

const images = (perSample = 1): ImageBatch => ({
  ...{ size: count, imageSize: 16 },
  pixels: namedNoise("images", [perSample * count, 3, 16, 16], 0, 1.5).data,
});
const rows = [...new Array(count).keys()];
/** Two words of each, the second one shared by two, and a third of some. */
const captions: readonly Tokens[] = rows.map((row) => [
  ...[CLS, 4, 5, 6 + row, 20 + (row >> 1)],
  ...(row % 3 === 0 ? [30] : []),
  SEP,
]);

/** The entropy of a smoothed target. */
const V = config.text.vocabSize;
const [sure, other] = [1 - labelSmoothing + labelSmoothing / V, labelSmoothing / V];
const tokenFloor = -sure * Math.log(sure) - (V - 1) * other * Math.log(other);

type Weights = ReadonlyMap<string, Tensor<"float32">>;

const stored = (name: string, { dims, data }: Tensor<"float32">): StoredTensor => {
  const bytes = new Uint8Array(data.buffer.slice(0) as ArrayBuffer);
  const source = memorySource("scratch", bytes);
  return { name, dtype: "float32", shape: dims, source, offset: 0, byteLength: bytes.byteLength };
};

/** A trainer of weights from scratch, whose own seed draws what is random in a step. */
function open<Batch extends ImageBatch>(
  objective: ComposedObjective<Batch>,
  steps: number,
  lr: number,
  seed: number,
  scratch = 1,
) {
  const { graph, ties = {}, momentum = {} } = objective.graph;
  const begun = initialWeights(graph.weights, scratch, { ...ties, ...momentum });
  return createTrainer(nodeTraining, {
    ...{ objective, stepsPerEpoch: steps, threads: 1, seed },
    weights: new Map([...begun].map(([name, tensor]) => [name, stored(name, tensor)])),
    optimizer: {
      schedule: { kind: "cosine", lr, min: 1e-4, epochs: 1, per: "step" },
      ...{ decay: 0, clip: 1, momentum: 0.5 },
    },
  });
}

/** Trains from scratch. @returns losses of the last step, by part, and the weights by all their names */
async function learned<Batch extends ImageBatch>(
  objective: ComposedObjective<Batch>,
  batch: Batch,
  steps: number,
  lr = 4e-3,
  scratch = 1,
) {
  const { ties = {} } = objective.graph;
  await using trainer = await open(objective, steps, lr, 1, scratch);
  let losses: Record<string, number> = {};
  for (let step = 0; step < steps; step++) {
    const { outputs } = await trainer.step(batch);
    losses = Object.fromEntries(
      Object.entries(must(outputs, 0)).map(([name, { data }]) => [name, Number(data[0])]),
    );
  }
  const weights = new Map<string, Tensor<"float32">>();
  for (const [name, tensor] of trainer.weights()) {
    const pieces: Uint8Array[] = [];
    for await (const piece of tensor.bytes()) pieces.push(piece);
    const { buffer } = Uint8Array.from(Buffer.concat(pieces));
    weights.set(name, floatTensor(tensor.shape, new Float32Array(buffer)));
  }
  for (const [alias, canonical] of Object.entries(ties)) {
    const tensor = weights.get(canonical);
    if (tensor) weights.set(alias, tensor);
  }
  return { losses, weights };
}

function run(graph: Graph, inputs: Readonly<Record<string, Tensor>>, weights: Weights) {
  return evaluate(graph, inputs, (name) => {
    const tensor = weights.get(name);
    if (!tensor) throw new Error(`there is no ${name}`);
    return tensor;
  });
}
const output = (found: Readonly<Record<string, Tensor<"float32">>>, name: string) =>
  found[name] ?? floatTensor([0], []);

/** The place of each row's largest number. */
function largest({ dims, data }: Tensor<"float32">): number[] {
  const width = dims.at(-1) ?? 1;
  return Array.from({ length: data.length / width }, (_, row) => {
    const own = data.subarray(row * width, (row + 1) * width);
    return own.indexOf(Math.max(...own));
  });
}

const statesOf = (pixels: Float32Array, weights: Weights) =>
  run(
    imageGraph(config),
    { pixel_values: floatTensor([pixels.length / (3 * 16 * 16), 3, 16, 16], pixels) },
    weights,
  ).image_embeds ?? floatTensor([0], []);
const positions = (length: number) => int64Tensor([length], [...new Array(length).keys()]);
const textFeeds = (texts: readonly Tokens[], first?: number) => {
  const { ids, mask, length } = rowsOf(texts, { padding, ...(first !== undefined && { first }) });
  return { input_ids: ids, attention_mask: mask, position_ids: positions(length) };
};

/** The next token of each row, all of one length, over states [B, N, D']. */
function nextTokens(begun: readonly Tokens[], states: Tensor<"float32">, weights: Weights): number[] {
  const b = GraphBuilder.create("next");
  const ids = b.input("ids", "int64", ["B", "T"]);
  const places = b.input("positions", "int64", ["B", "T"]);
  const of = b.input("states", "float32", ["B", "N", must(states.dims, 2)]);
  const { states: hidden } = textModel(
    b.at(scope),
    { ids, positions: places, bias: causalBias(b, places, places), crossAttendTo: () => [{ of }] },
    config.text,
  );
  b.output("logits", languageModelHead(b, hidden, config));
  const length = must(begun, 0).length;
  const dims = [begun.length, length];
  const counted = begun.flatMap(() => [...new Array(length).keys()]);
  const feeds = { ids: int64Tensor(dims, begun.flat()), positions: int64Tensor(dims, counted), states };
  const best = largest(output(run(b.build(), feeds, weights), "logits"));
  return begun.map((_, row) => must(best, row * length + length - 1));
}

/** Greedy texts after a prompt, up to [SEP]. */
function written(prompt: Tokens, states: Tensor<"float32">, weights: Weights): Tokens[] {
  let texts = rows.map(() => [...prompt]);
  for (let step = 0; step < 7; step++) {
    const next = nextTokens(texts, states, weights);
    texts = texts.map((text, row) => [...text, must(next, row)]);
  }
  return texts.map((text) => text.slice(prompt.length, text.indexOf(SEP) + 1));
}

/** Each image with each text: which text an image is nearest to, and the other way round. */
function nearest(weights: Weights) {
  const { pixels } = images();
  const head = "contrastive" as const;
  const seen = output(
    run(imageGraph(config, { head }), { pixel_values: floatTensor([count, 3, 16, 16], pixels) }, weights),
    "image_features",
  );
  const told = output(run(textGraph(config, head), textFeeds(captions), weights), "text_features");
  const E = config.jointEmbedding;
  const cosines = (a: Float32Array, b: Float32Array) =>
    floatTensor(
      [count, count],
      rows.flatMap((row) =>
        rows.map((column) => dot(a.subarray(row * E, row * E + E), b.subarray(column * E, column * E + E))),
      ),
    );
  return [largest(cosines(seen.data, told.data)), largest(cosines(told.data, seen.data))];
}
const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, x, k) => sum + x * must(b, k), 0);

/** Whether each image and its text are said to match. */
function matched(weights: Weights): boolean[] {
  const feeds = { ...textFeeds(captions, encoder), image_embeds: statesOf(images().pixels, weights) };
  const scores = run(multimodalGraph(config, "itm"), feeds, weights);
  return largest(output(scores, "itm_score")).map((one) => one === 1);
}

const near = (found: number | undefined, floor: number, within = 0.02) => {
  expect(found).toBeGreaterThan(floor - within);
  expect(found).toBeLessThan(floor + within);
};

test("caption: eight captions", async () => {
  const objective = captionObjective(config, plain);
  const { losses, weights } = await learned(
    objective,
    { ...images(), tokens: captions, promptLength: 3 },
    200,
  );
  near(losses["loss LM"], tokenFloor);
  const states = statesOf(images().pixels, weights);
  expect(written([decoder, 4, 5], states, weights)).toEqual(captions.map((text) => text.slice(3)));
});

test("vqa: eight answers to questions about images", async () => {
  const objective = vqaObjective(config, plain);
  // The same question twice: the image decides.
  const questions = rows.map((row) => [CLS, 4 + (row >> 1), 9, SEP]);
  const answers = rows.map((row) => [CLS, 20 + row, ...(row % 2 === 0 ? [31] : []), SEP]);
  const batch = {
    ...images(),
    questions,
    answers,
    weights: rows.map(() => 1),
    answerCounts: rows.map(() => 1),
  };
  const { losses, weights } = await learned(objective, batch, 350);
  const predicted = answers.reduce((sum, text) => sum + text.length - 1, 0);
  near(losses["loss VQA"], (tokenFloor * predicted) / count);
  const asked = run(
    multimodalGraph(config),
    { ...textFeeds(questions, encoder), image_embeds: statesOf(images().pixels, weights) },
    weights,
  );
  const texts = written([decoder], output(asked, "question_embeds"), weights);
  expect(texts).toEqual(answers.map((text) => text.slice(1)));
});

test("nlvr: eight statements about two images", async () => {
  const objective = nlvrObjective(config, plain);
  const sentences = rows.map((row) => [CLS, 4 + (row >> 1), 9, SEP]);
  const labels = rows.map((row): 0 | 1 => (row % 2 === 0 ? 1 : 0));
  const batch = { ...images(2), sentences, labels };
  const { losses, weights } = await learned(objective, batch, 200);
  near(losses["loss NLVR"], 0);
  const { dims, data } = statesOf(batch.pixels, weights);
  const half = [count, ...dims.slice(1)];
  const scores = run(
    multimodalGraph(config, "nlvr"),
    {
      ...textFeeds(sentences, encoder),
      image_embeds: floatTensor(half, data.slice(0, data.length / 2)),
      image_embeds_1: floatTensor(half, data.slice(data.length / 2)),
    },
    weights,
  );
  expect(largest(output(scores, "nlvr_score"))).toEqual(labels);
});

const contrastive = { ...plain, queue: count, samples: count, alpha: 0, rampSteps: 0, seed: 1 };

test("match: eight pairs", async () => {
  const batch = { ...images(), tokens: captions, imageIds: rows };
  const { losses, weights } = await learned(matchObjective(config, contrastive), batch, 700, 2e-3);
  // A pair is there twice, now and in the queue: its target is shared.
  near(losses["loss ITC"], Math.log(2));
  near(losses["loss ITM"], 0);
  expect(nearest(weights)).toEqual([rows, rows]);
  expect(matched(weights)).toEqual(rows.map(() => true));
});

test("pretrain: eight pairs", async () => {
  const batch = { ...images(), tokens: captions };
  const { losses, weights } = await learned(pretrainObjective(config, contrastive), batch, 1500, 1.5e-3, 2);
  // The queue holds the same pair a second time, by momentum features, which can be told apart as far as the network still
  // moves: from 0.68 to 0.77 was seen after 1,200 to 2,000 steps.
  near(losses["loss ITC"], Math.log(2), 0.1);
  near(losses["loss ITM"], 0);
  near(losses["loss LM"], tokenFloor);
  expect(nearest(weights)).toEqual([rows, rows]);
  expect(matched(weights)).toEqual(rows.map(() => true));
  const states = statesOf(images().pixels, weights);
  expect(written([decoder], states, weights)).toEqual(captions.map((text) => text.slice(1)));
});

test("with dropout, drop path and drawn negatives, steps follow from the seed", async () => {
  const batch = { ...images(), tokens: captions, imageIds: rows };
  const losses = async (seed: number) => {
    const objective = matchObjective(config, { ...contrastive, dropout: 0.1, dropPath: 0.1 });
    await using trainer = await open(objective, 5, 1e-3, seed);
    const found: number[] = [];
    for (let step = 0; step < 5; step++) found.push((await trainer.step(batch)).loss);
    return found;
  };
  const first = await losses(1);
  expect(await losses(1)).toEqual(first);
  expect(await losses(2)).not.toEqual(first);
});
