// The network layer by layer against transformers (oracle/hf/match_goldens.py), on ONNX Runtime and on the reference
// evaluator, and its printed form.
import { fileURLToPath } from "node:url";
import {
  evaluate,
  exposeValues,
  floatTensor,
  lastValueOf,
  optimize,
  printGraph,
  type Graph,
  type Tensor,
} from "@blip-ts/graph";
import { afterAll, describe, expect, test } from "vitest";
import { type Checkpoint, readSafetensors, readTensorBytes } from "@blip-ts/checkpoint";
import { fileSource } from "../platform/node/local-files.ts";
import { createNodeEngine } from "@blip-ts/engine/node";
import { toEngineModel } from "@blip-ts/engine";
import type { BlipConfig } from "./config.ts";
import { decodeGraph, crossKeysAndValuesGraph, scoreGraph } from "./decoder.ts";
import { cacheNames } from "./kv-cache.ts";
import { imageGraph, multimodalGraph, textGraph } from "./encoders.ts";

const fixtures = new URL("../../../../fixtures/", import.meta.url);
const open = async (path: string) =>
  readSafetensors(await fileSource(fileURLToPath(new URL(path, fixtures))));

async function read({ tensors }: Checkpoint, name: string): Promise<Tensor<"float32" | "int64">> {
  const stored = tensors.get(name);
  if (!stored) throw new Error(`no golden ${name}`);
  const { buffer, byteOffset, byteLength } = await readTensorBytes(stored);
  const dims = stored.shape;
  return stored.dtype === "int64"
    ? { dtype: "int64", dims, data: new BigInt64Array(buffer, byteOffset, byteLength / 8) }
    : { dtype: "float32", dims, data: new Float32Array(buffer, byteOffset, byteLength / 4) };
}

/** The sizes of fixtures/tiny/match, as in its config.json. */
const config: BlipConfig = {
  vision: {
    hiddenSize: 48,
    layers: 3,
    heads: 4,
    intermediateSize: 96,
    imageSize: 32,
    patchSize: 8,
    layerNormEps: 1e-5,
  },
  text: {
    hiddenSize: 32,
    layers: 3,
    heads: 4,
    intermediateSize: 64,
    vocabSize: 127,
    maxPositions: 64,
    layerNormEps: 1e-12,
  },
  jointEmbedding: 16,
};

/** The scope of a part's last node, by the golden's name. */
const visionScopes = {
  "vision.embeddings": "vision_model.embeddings",
  ...Object.fromEntries([0, 1, 2].map((l) => [`vision.block.${l}`, `vision_model.encoder.layers.${l}`])),
};
const textScopes = (mode: string) => ({
  ...(mode === "multimodal" ? { "multimodal.embeddings": "text_encoder.embeddings.LayerNorm" } : {}),
  ...Object.fromEntries(
    [0, 1, 2].map((l) => [`${mode}.layer.${l}`, `text_encoder.encoder.layer.${l}.output.LayerNorm`]),
  ),
});

function expose(graph: Graph, scopes: Record<string, string>): Graph {
  const values = Object.entries(scopes).map(([name, scope]) => {
    const value = lastValueOf(graph, scope);
    if (!value) throw new Error(`nothing at ${scope}`);
    return [name, value] as const;
  });
  return exposeValues(graph, Object.fromEntries(values));
}

const [weights, golden] = [
  await open("tiny/match/model.safetensors"),
  await open("goldens/match.safetensors"),
];
const position: Tensor<"int64"> = {
  dtype: "int64",
  dims: [11],
  data: BigInt64Array.from({ length: 11 }, (_, index) => BigInt(index)),
};
const texts = {
  input_ids: await read(golden, "input_ids"),
  attention_mask: await read(golden, "attention_mask"),
  position_ids: position,
};
const pixels = { pixel_values: await read(golden, "pixel_values") };
const states = { image_embeds: await read(golden, "vision.last_hidden_state") };

/** Outputs by the goldens' names. */
const cases: readonly (readonly [string, Graph, Record<string, Tensor>, Record<string, string>])[] = [
  [
    "image",
    expose(imageGraph(config, { head: "contrastive" }), visionScopes),
    pixels,
    { image_embeds: "vision.last_hidden_state", image_features: "image_features" },
  ],
  [
    "text",
    expose(textGraph(config, "contrastive"), textScopes("unimodal")),
    texts,
    { question_embeds: "unimodal.question_embeds", text_features: "text_features" },
  ],
  ...(["plain", "folded"] as const).map(
    (form) =>
      [
        `match, ${form}`,
        expose(multimodalGraph(config, "itm", { form }), textScopes("multimodal")),
        { ...texts, ...states },
        { question_embeds: "multimodal.question_embeds", itm_score: "itm_score" },
      ] as const,
  ),
];

/**
 * 1e-5 of the largest magnitude (at least 1). A different order of float32 sums changes these values by a few 1e-6; the
 * smallest mistake that the goldens cover (another epsilon) changes the logits by 1.6e-2.
 */
async function expectGolden(found: Tensor | undefined, name: string): Promise<void> {
  const { dims, data } = await read(golden, name);
  const values = Array.from<number | bigint, number>(data, Number);
  expect(found?.dims, name).toEqual(dims);
  const largest = Math.max(1, ...values.map(Math.abs));
  const worst = Math.max(
    ...values.map((value, index) => Math.abs(value - Number(found?.data[index] ?? NaN))),
  );
  expect(worst, name).toBeLessThan(1e-5 * largest);
}

describe("the network, layer by layer", () => {
  const engine = createNodeEngine();
  afterAll(() => engine[Symbol.asyncDispose]());

  test.each(cases)("%s: ONNX Runtime gives transformers' states", async (_name, graph, feeds, renamed) => {
    await using session = await engine.createSession(await toEngineModel(optimize(graph), weights.tensors));
    const outputs = await session.run(feeds);
    for (const { name } of graph.outputs) await expectGolden(outputs[name], renamed[name] ?? name);
  });

  test.each(cases)(
    "%s: the reference evaluator gives transformers' states",
    async (_name, graph, feeds, renamed) => {
      const loaded = new Map<string, Tensor>();
      for (const { name } of graph.weights) loaded.set(name, await read(weights, name));
      const outputs = evaluate(graph, feeds, (name) => {
        const tensor = loaded.get(name);
        if (!tensor) throw new Error(`no weight ${name}`);
        return tensor;
      });
      for (const { name } of graph.outputs) await expectGolden(outputs[name], renamed[name] ?? name);
    },
  );

  test("positions of another grid are torch's", async () => {
    const graph = imageGraph(config, { height: 48, width: 40 });
    await using session = await engine.createSession(await toEngineModel(optimize(graph), weights.tensors));
    const outputs = await session.run({ pixel_values: await read(golden, "resized.pixel_values") });
    await expectGolden(outputs.image_embeds, "resized.last_hidden_state");
  });
});

describe("the forms of looking at images", () => {
  const engine = createNodeEngine();
  afterAll(() => engine[Symbol.asyncDispose]());
  const load = async (graph: Graph, group?: string) =>
    engine.createSession(await toEngineModel(optimize(graph), weights.tensors), { group });

  test("keys and values that were made before give transformers' states", async () => {
    await using keysAndValues = await load(
      crossKeysAndValuesGraph(config, config.vision.hiddenSize, "text_encoder"),
      "cross-attention",
    );
    await using session = await load(multimodalGraph(config, "itm", { form: "cached" }), "cross-attention");
    const names = cacheNames("cross", config.text);
    const { retained: kept } = await keysAndValues.runRetaining(
      { encoder_hidden_states: states.image_embeds },
      names,
    );
    const outputs = await session.run({ ...texts, ...kept });
    await expectGolden(outputs.itm_score, "itm_score");
    await expectGolden(outputs.question_embeds, "multimodal.question_embeds");
  });

  test.each(["plain", "folded"] as const)("%s: the first state alone is that of all", async (form) => {
    await using session = await load(multimodalGraph(config, "itm", { form, firstOnly: true }));
    const outputs = await session.run({ ...texts, ...states });
    expect(Object.keys(outputs)).toEqual(["itm_score"]);
    await expectGolden(outputs.itm_score, "itm_score");
  });

  test("folded, several texts of an image are as they are each with the image", async () => {
    await using session = await load(multimodalGraph(config, undefined, { form: "folded" }));
    const [B = 0] = texts.input_ids.dims;
    const [, N = 0, D = 0] = states.image_embeds.dims;
    const first = Float32Array.from(states.image_embeds.data.subarray(0, N * D), Number);
    const repeated = new Float32Array(B * N * D);
    for (let row = 0; row < B; row++) repeated.set(first, row * N * D);
    const together = await session.run({ ...texts, image_embeds: floatTensor([1, N, D], first) });
    const apart = await session.run({ ...texts, image_embeds: floatTensor([B, N, D], repeated) });
    const [a, b] = [together, apart].map(({ question_embeds }) =>
      Array.from(question_embeds?.data ?? [], Number),
    );
    // States of magnitude 1; a different order of float32 sums changes them by 1e-6.
    a?.forEach((value, index) => expect(Math.abs(value - (b?.[index] ?? NaN))).toBeLessThan(1e-5));
    expect(a?.length).toBe(b?.length);
  });
});

describe("the network, printed", () => {
  test("is what it was", () => {
    const small = { ...config, vision: { ...config.vision, layers: 1 }, text: { ...config.text, layers: 1 } };
    for (const graph of [
      imageGraph(small, { head: "contrastive" }),
      textGraph(small, "contrastive"),
      multimodalGraph(small, "itm"),
      multimodalGraph({ ...small, text: { ...small.text, firstMergeLayer: 0 } }, "nlvr"),
      crossKeysAndValuesGraph(small, small.vision.hiddenSize),
      decodeGraph(small, { encoderMask: true }),
      scoreGraph(small),
      multimodalGraph(small, "itm", { form: "folded", firstOnly: true }),
      multimodalGraph(small, "itm", { form: "cached", firstOnly: true }),
      crossKeysAndValuesGraph(small, small.vision.hiddenSize, "text_encoder"),
    ])
      expect(printGraph(optimize(graph))).toMatchSnapshot();
  });
});

describe("a step of the decoder", () => {
  const decode = optimize(decodeGraph(config, { encoderMask: false }));
  const keysAndValues = optimize(crossKeysAndValuesGraph(config, config.vision.hiddenSize));
  /** Counts matrix products; attention has two: the scores, and their weighted sum of the values. */
  const products = (graph: Graph) =>
    graph.nodes.reduce(
      (sum, { kind }) =>
        sum + (["linear", "matmul", "patchConvolution"].includes(kind) ? 1 : kind === "attention" ? 2 : 0),
      0,
    );

  test("multiplies no more matrices than its new tokens need", () => {
    // Per layer: query, key, value, scores, sum, dense; for cross-attention query, scores, sum, dense; two of the MLP.
    // The head has two.
    expect(products(decode)).toBe(12 * config.text.layers + 2);
    // Keys and values of the image, computed once.
    expect(products(keysAndValues)).toBe(2 * config.text.layers);
  });

  test("reads nothing of what was made once", () => {
    const names = (graph: Graph) => new Set(graph.weights.map(({ name }) => name));
    const made = names(keysAndValues);
    expect(made.size).toBe(4 * config.text.layers);
    expect([...names(decode)].filter((name) => made.has(name))).toEqual([]);
    expect([...names(decode)].filter((name) => !name.startsWith("text_decoder."))).toEqual([]);
  });
});
