// A network's requests to its engine: which sessions load their weights unpacked, and how they multiply 8-bit numbers.
import { closedBy } from "@blip-ts/base";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fixture } from "../../test/support/goldens.ts";
import { nodePlatform } from "../platform/node/node-platform.ts";
import type { Platform } from "../platform.ts";
import type { NetworkDType, SessionOptions } from "@blip-ts/engine";
import { ConditionalGeneration } from "./conditional-generation.ts";
import { ImageTextRetrieval } from "./image-text-retrieval.ts";
import { QuestionAnswering } from "./question-answering.ts";

let root = "";
const home = process.env.HF_HOME;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "blip-network-"));
  process.env.HF_HOME = root;
});
afterAll(async () => {
  if (home === undefined) delete process.env.HF_HOME;
  else process.env.HF_HOME = home;
  await rm(root, { recursive: true, force: true });
});

/**
 * The Node platform, recording by name whether sessions pack their weights or multiply signed ones; the last session of
 * each name counts.
 */
function watched() {
  const prepacked: Record<string, boolean> = {};
  const signed: Record<string, boolean> = {};
  const platform: Platform<never> = {
    ...nodePlatform,
    createEngine(options) {
      const engine = nodePlatform.createEngine(options);
      return {
        async createSession(model, more: SessionOptions = {}) {
          const session = await engine.createSession(model, more);
          prepacked[more.name ?? ""] = more.prepack !== false;
          signed[more.name ?? ""] = model.signedProducts === true;
          return session;
        },
        ...closedBy(() => engine.close()),
      };
    },
  };
  return { platform, prepacked, signed };
}

/** Sessions that never become ready, like those with weights from a slow network. */
const never: Platform<never> = {
  ...nodePlatform,
  createEngine: () => ({
    createSession: () => new Promise(() => undefined),
    ...closedBy(() => Promise.resolve()),
  }),
};

const pixels = (side: number) => ({
  dtype: "float32" as const,
  dims: [1, 3, side, side],
  data: new Float32Array(3 * side * side),
});
const ids = { dtype: "int64" as const, dims: [1, 3], data: BigInt64Array.of(2n, 30n, 3n) };

test("no session is made once the model is closed: nobody would end its thread", async () => {
  const made: string[] = [];
  let closed = false;
  const platform: Platform<never> = {
    ...nodePlatform,
    createEngine: () => ({
      createSession: (_, { name = "" } = {}) => {
        made.push(closed ? `${name}, too late` : name);
        return Promise.reject(new Error("no engine"));
      },
      ...closedBy(() => {
        closed = true;
        return Promise.resolve();
      }),
    }),
  };
  const model = await ImageTextRetrieval.load(platform, fixture("tiny/match"));
  const seen = model.encodeImages(pixels(model.loaded.imageSize));
  await model.close();
  await expect(seen).rejects.toThrow(/was closed/);
  expect(made).toEqual([]);
  await expect(model.encodeImages(pixels(model.loaded.imageSize))).rejects.toThrow(/was closed/);
  expect(made).toEqual([]);
});

test.each<[string, (signal: AbortSignal) => Promise<unknown>]>([
  [
    "a matching model's",
    async (signal) => {
      const model = await ImageTextRetrieval.load(never, fixture("tiny/match"));
      return model.encodeImages(pixels(model.loaded.imageSize), { signal });
    },
  ],
  [
    "its texts'",
    async (signal) =>
      (await ImageTextRetrieval.load(never, fixture("tiny/match"))).textFeatures(
        { inputIds: ids },
        { signal },
      ),
  ],
  [
    "texts' over images",
    async (signal) => {
      const model = await ImageTextRetrieval.load(never, fixture("tiny/match"));
      const [N, D] = [17, model.config.vision.hiddenSize];
      const states = { dtype: "float32" as const, dims: [1, N, D], data: new Float32Array(N * D) };
      return model.scoreTexts(states, { inputIds: ids }, { signal });
    },
  ],
  [
    "a decoder's",
    async (signal) => {
      const { generator, config } = await ConditionalGeneration.load(never, fixture("tiny/caption"));
      const [N, D] = [17, config.vision.hiddenSize];
      const states = { dtype: "float32" as const, dims: [1, N, D], data: new Float32Array(N * D) };
      return generator.generate({ states }, [[1]], {}, { signal });
    },
  ],
])("a call does not wait for %s session once it is stopped", async (_, call) => {
  const stop = new AbortController();
  const running = call(stop.signal);
  setTimeout(() => stop.abort(new Error("enough")), 100);
  await expect(running).rejects.toThrow("enough");
});

test.each<[NetworkDType, boolean]>([
  ["fp32", false],
  ["fp16", false],
  ["int8", true],
])("in %s what has many rows multiplies by signed 8-bit weights: %s", async (dtype, expected) => {
  const options = { dtype, onWarning: () => undefined };
  const caption = watched();
  await using captioning = await ConditionalGeneration.load(
    caption.platform,
    fixture("tiny/caption"),
    options,
  );
  const image = { pixelValues: pixels(captioning.loaded.imageSize) };
  await captioning.generate(image, { maxNewTokens: 2 });
  // A decoder's steps multiply in blocks, with an operator that has no other form.
  expect(caption.signed).toEqual({ image: expected, "cross-kv": expected, decode: false });
  const match = watched();
  await using matching = await ImageTextRetrieval.load(match.platform, fixture("tiny/match"), options);
  await matching.forward({ ...image, inputIds: ids });
  expect(match.signed).toEqual({ image: expected, "match-folded": expected });
});

describe("weights are used as they lie for", () => {
  test.each<[NetworkDType, boolean]>([
    ["fp32", false],
    ["int8", true],
  ])("in %s an image's states and what a decoder attends to there, packed: %s", async (dtype, expected) => {
    const { platform, prepacked } = watched();
    await using model = await ConditionalGeneration.load(platform, fixture("tiny/caption"), {
      dtype,
      onWarning: () => undefined,
    });
    const { imageSize } = model.loaded;
    await model.generate({ pixelValues: pixels(imageSize) }, { maxNewTokens: 2 });
    expect(prepacked).toEqual({ image: expected, "cross-kv": expected, decode: true });
  });

  test("texts over few images, until they are many", async () => {
    const { platform, prepacked } = watched();
    await using model = await ImageTextRetrieval.load(platform, fixture("tiny/match"));
    const { imageSize } = model.loaded;
    const { states } = await model.encodeImages(pixels(imageSize));
    const text = { ids: ids.data, mask: BigInt64Array.of(1n, 1n, 1n) };
    const score = (count: number) => {
      const rows = Array.from({ length: count }, (_, image) => ({ ...text, image }));
      const work = { images: rows.map(() => [states.data] as const), states: states.dims[1] ?? 0, rows };
      return model.scorePairs(work, { form: "folded" });
    };
    const [few] = await score(15);
    await model.textFeatures({ inputIds: ids });
    expect(prepacked).toEqual({ image: false, "match-folded": false, text: false });
    const [many] = await score(16);
    expect(prepacked["match-folded"]).toBe(true);
    // The same product, summed in a different order.
    expect(many?.[0]).toBeCloseTo(few?.[0] ?? NaN, 5);
  });

  test("not for what a decoder attends to where those are questions, which have few rows", async () => {
    const { platform, prepacked } = watched();
    await using model = await QuestionAnswering.load(platform, fixture("tiny/vqa"));
    const { imageSize } = model.loaded;
    await model.generate({ pixelValues: pixels(imageSize), inputIds: ids }, { maxNewTokens: 2 });
    expect(prepacked).toMatchObject({ image: false, "cross-kv": true, decode: true });
  });
});
