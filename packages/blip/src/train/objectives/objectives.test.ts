// Every objective's losses and gradients against the original classes', on ONNX Runtime, with the same weights, texts,
// draws and dropout.
import { readFile } from "node:fs/promises";
import { must } from "@blip-ts/base";
import { readSafetensors, readTensorBytes } from "@blip-ts/checkpoint";
import { floatTensor, int64Tensor, type Tensor } from "@blip-ts/graph";
import { describe, expect, test, vi } from "vitest";
import { fixture } from "../../../test/support/goldens.ts";
import { namedNoise, namedWeight } from "../../../test/support/training-noise.ts";
import { runTraining } from "../../../test/support/training-runs.ts";
import type { BlipConfig } from "../../model/config.ts";
import { fileSource } from "../../platform/node/local-files.ts";
import type { ImageBatch, PairBatch } from "./batches.ts";
import type { ComposedObjective } from "./compose.ts";
import {
  captionObjective,
  matchObjective,
  nlvrObjective,
  pretrainObjective,
  vqaObjective,
  type TaskOptions,
} from "./tasks.ts";

// Most of these tests create a training session, which takes seconds on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

interface Golden {
  readonly losses: Readonly<Record<string, number>>;
  readonly draws?: readonly number[];
  readonly images?: readonly number[];
  readonly texts?: readonly number[];
}
interface Goldens {
  readonly vision: Readonly<Record<"image" | "patch" | "width" | "layers" | "heads" | "inner", number>>;
  readonly text: Readonly<
    Record<"width" | "layers" | "heads" | "inner" | "vocabulary" | "positions", number>
  >;
  readonly joint: number;
  readonly queue: number;
  readonly alpha: number;
  readonly dropout: number;
  readonly dropPath: number;
  readonly texts: readonly (readonly number[])[];
  readonly captions: readonly (readonly number[])[];
  readonly promptLength: number;
  readonly imageIds: readonly number[];
  readonly queueIds: readonly number[];
  readonly questions: readonly (readonly number[])[];
  readonly answers: readonly (readonly number[])[];
  readonly answerCounts: readonly number[];
  readonly answerWeights: readonly number[];
  readonly sentences: readonly (readonly number[])[];
  readonly labels: readonly (0 | 1)[];
  readonly cases: Readonly<Record<string, Golden>>;
}

const goldens = JSON.parse(await readFile(fixture("train/objectives.json"), "utf8")) as Goldens;
const { vision, text } = goldens;
const config: BlipConfig = {
  vision: {
    ...{
      hiddenSize: vision.width,
      layers: vision.layers,
      heads: vision.heads,
      intermediateSize: vision.inner,
    },
    ...{ imageSize: vision.image, patchSize: vision.patch, layerNormEps: 1e-6 },
  },
  text: {
    ...{ hiddenSize: text.width, layers: text.layers, heads: text.heads, intermediateSize: text.inner },
    ...{ vocabSize: text.vocabulary, maxPositions: text.positions, layerNormEps: 1e-12, firstMergeLayer: 1 },
  },
  jointEmbedding: goldens.joint,
};
const tokens = { padding: 0, decoder: 21, encoder: 22 };

const images = (size: number, count = size): ImageBatch => ({
  size,
  imageSize: vision.image,
  pixels: namedNoise("pixels", [count, 3, vision.image, vision.image], 0, 1).data,
});
const pairs = { ...images(4), tokens: goldens.texts };

/** The queue, filled as the reference's. */
const filled = {
  image_queue: namedNoise("image_queue", [goldens.queue, goldens.joint]),
  text_queue: namedNoise("text_queue", [goldens.queue, goldens.joint]),
  idx_queue: int64Tensor([goldens.queue], goldens.queueIds),
  queue_ptr: int64Tensor([1], [0]),
};

const plain = { dropout: 0, dropPath: 0, tokens };
const random = { dropout: goldens.dropout, dropPath: goldens.dropPath, tokens };
const contrastive = { queue: goldens.queue, samples: 100, alpha: goldens.alpha, rampSteps: 0, seed: 1 };

interface Case {
  readonly objective: Pick<ComposedObjective<never>, "graph" | "restore" | "after">;
  readonly inputs: () => Readonly<Record<string, Tensor>>;
  readonly after?: (outputs: Readonly<Record<string, Tensor>>) => Readonly<Record<string, Tensor>>;
}

async function caseOf<Batch extends ImageBatch>(
  objective: ComposedObjective<Batch>,
  batch: Batch,
  name: string,
): Promise<Case> {
  if (objective.state?.().image_queue) objective.restore?.(filled);
  const context = { step: 0, part: 0, seed: 3, run: () => Promise.reject(new Error("nothing runs before")) };
  const made = await objective.inputs(batch, context);
  const draws = goldens.cases[name]?.draws;
  return {
    objective: objective as unknown as Case["objective"],
    inputs: () => ({
      ...made,
      ...(draws && { negative_draws: floatTensor([2, draws.length / 2], draws) }),
    }),
    after: (outputs) => {
      objective.after?.(outputs, batch, context);
      return objective.state?.() ?? {};
    },
  };
}

const match = (more: Partial<TaskOptions<never>>) =>
  matchObjective(config, { batch: 4, ...contrastive, ...plain, ...more });
const answered = {
  ...{ ...images(3), questions: goldens.questions, answers: goldens.answers },
  ...{ answerCounts: goldens.answerCounts, weights: goldens.answerWeights },
};

const cases = {
  caption: () =>
    caseOf(
      captionObjective(config, { batch: 4, ...plain }),
      { ...images(4), tokens: goldens.captions, promptLength: goldens.promptLength },
      "caption",
    ),
  match: () => caseOf(match({}), { ...pairs, imageIds: goldens.imageIds }, "match"),
  "match-dropout": () => caseOf(match(random), { ...pairs, imageIds: goldens.imageIds }, "match-dropout"),
  pretrain: () =>
    caseOf(pretrainObjective(config, { batch: 4, ...contrastive, ...plain }), pairs, "pretrain"),
  vqa: () => caseOf(vqaObjective(config, { batch: 3, ...plain }), answered, "vqa"),
  "vqa-dropout": () => caseOf(vqaObjective(config, { batch: 3, ...random }), answered, "vqa-dropout"),
  nlvr: () =>
    caseOf(
      nlvrObjective(config, { batch: 3, ...plain }),
      { ...images(3, 6), sentences: goldens.sentences, labels: goldens.labels },
      "nlvr",
    ),
} satisfies Readonly<Record<string, () => Promise<Case>>>;

/** The tensors of a golden file. */
async function tensorsOf(name: string) {
  const { tensors } = await readSafetensors(await fileSource(fixture(`train/${name}.safetensors`)));
  const found = new Map<string, Tensor>();
  for (const [key, stored] of tensors) {
    const { buffer } = (await readTensorBytes(stored)).slice();
    const dims = stored.shape;
    found.set(
      key,
      stored.dtype === "uint8"
        ? { dtype: "uint8", dims, data: new Uint8Array(buffer) }
        : { dtype: "float32", dims, data: new Float32Array(buffer) },
    );
  }
  return found;
}

/** Momentum encoders follow before the step, as in the reference: they keep 0.995 of themselves. */
const followedWeight =
  (momentum: Readonly<Record<string, string>>) => (name: string, dims: readonly number[]) => {
    const own = namedWeight(name, dims);
    const online = momentum[name];
    if (online === undefined) return own;
    const other = namedWeight(online, dims);
    return floatTensor(
      dims,
      own.data.map((x, at) => x * 0.995 + must(other.data, at) * (1 - 0.995)),
    );
  };

const norm = (values: ArrayLike<number>) => Math.sqrt(Array.from(values).reduce((sum, x) => sum + x * x, 0));

describe.each(Object.entries(cases))("%s", (name, make) => {
  test("losses and the gradient of every parameter are the original class's", async () => {
    const { objective, inputs } = await make();
    const golden = goldens.cases[name] ?? { losses: {} };
    const expected = await tensorsOf(name);
    const masks = Object.fromEntries([...expected].filter(([key]) => key.startsWith("keep ")));
    const made = inputs();
    expect(Object.keys(masks).toSorted()).toEqual(
      Object.keys(made)
        .filter((key) => key.startsWith("keep "))
        .toSorted(),
    );
    for (const [key, { dims }] of Object.entries(masks)) expect(made[key]?.dims, key).toEqual(dims);
    const { outputs, gradients } = await runTraining(
      objective.graph,
      { ...made, ...masks },
      followedWeight(objective.graph.momentum ?? {}),
    );
    for (const [key, index] of Object.entries({
      negative_images: golden.images,
      negative_texts: golden.texts,
    }))
      if (index) expect(Array.from(outputs[key]?.data ?? [])).toEqual(index);
    for (const [part, loss] of Object.entries(golden.losses)) {
      const found = Number(outputs[`loss ${part}`]?.data[0]);
      expect(Math.abs(found / loss - 1), part).toBeLessThan(1e-5);
    }
    const wanted = [...expected].flatMap(([key, tensor]) =>
      key.startsWith("gradient ") ? [[key.slice("gradient ".length), tensor] as const] : [],
    );
    expect([...gradients.keys()].toSorted()).toEqual(
      wanted
        .map(([key]) => key)
        .filter((key) => gradients.has(key))
        .toSorted(),
    );
    const whole = Math.sqrt(wanted.reduce((sum, [, { data }]) => sum + norm(data as Float32Array) ** 2, 0));
    for (const [key, { data }] of wanted) {
      const found = gradients.get(key) ?? new Float64Array(data.length);
      const difference = found.map((x, at) => x - Number(data[at]));
      // Both sides are float32 over some fifty operations, each with its own order of sums. The largest observed
      // difference is 1.2e-5 of a gradient. For a gradient that is exactly zero (biases of keys, which softmax
      // ignores), rounding leaves 1e-8 of the whole on either side.
      expect(norm(difference), key).toBeLessThan(1e-4 * norm(data as Float32Array) + 1e-7 * whole);
    }
  });
});

describe.each(["match", "pretrain"] as const)("%s", (name) => {
  test("puts the momentum features of its batch first into the queue", async () => {
    const { objective, inputs, after } = await cases[name]();
    const expected = await tensorsOf(name);
    const { outputs } = await runTraining(
      objective.graph,
      inputs(),
      followedWeight(objective.graph.momentum ?? {}),
    );
    const dims = [4, goldens.joint];
    const given = Object.fromEntries(
      ["momentum_image_features", "momentum_text_features"].map((key) => [
        key,
        floatTensor(dims, outputs[key]?.data as Float32Array),
      ]),
    );
    const state = after?.(given) ?? {};
    for (const [queue, features] of [
      ["image_queue", "momentum_image_features"],
      ["text_queue", "momentum_text_features"],
    ] as const) {
      const data = state[queue]?.data as Float32Array;
      const golden = expected.get(features)?.data as Float32Array;
      golden.forEach((x, at) => expect(Math.abs(must(data, at) - x)).toBeLessThan(1e-5));
      // The rest is unchanged.
      expect([...data.slice(golden.length)]).toEqual([...filled[queue].data.slice(golden.length)]);
    }
    expect([...(state.queue_ptr?.data ?? [])]).toEqual([4n]);
  });
});

describe.each(["match", "pretrain"] as const)("%s with false captions", (name) => {
  const golden = goldens.cases[name];
  const imageIds = name === "match" ? { imageIds: goldens.imageIds } : {};
  const options = { batch: 4, ...contrastive, ...plain, falseCaptions: true };
  const objectiveOf = () =>
    name === "match" ? matchObjective(config, options) : pretrainObjective(config, options);
  const lossesOf = async (falseTokens: PairBatch["falseTokens"]) => {
    const made = await caseOf(
      objectiveOf(),
      { ...pairs, ...imageIds, ...(falseTokens && { falseTokens }) },
      name,
    );
    const { outputs } = await runTraining(
      made.objective.graph,
      made.inputs(),
      followedWeight(made.objective.graph.momentum ?? {}),
    );
    return Object.fromEntries(
      Object.keys(golden?.losses ?? {}).map((part) => [part, Number(outputs[`loss ${part}`]?.data[0])]),
    );
  };
  const sameAsReference = (losses: Readonly<Record<string, number>>) => {
    for (const [part, loss] of Object.entries(golden?.losses ?? {}))
      expect(Math.abs((losses[part] ?? NaN) / loss - 1), part).toBeLessThan(1e-5);
  };
  const drawn = () => (golden?.texts ?? []).map((row) => must(goldens.texts, row));

  test("which are the captions that the reference draws, has the reference's losses", async () => {
    expect(drawn()).toHaveLength(4);
    sameAsReference(await lossesOf(drawn()));
  });

  test("takes the reference's draws for rows without one", async () => {
    sameAsReference(await lossesOf(undefined));
    sameAsReference(await lossesOf(drawn().map((text, row) => (row % 2 === 0 ? text : undefined))));
  });

  test("that are longer than all captions changes the loss ITM alone", async () => {
    const [first = [], ...others] = drawn();
    const longer = [first[0] ?? 0, ...new Array<number>(3).fill(9), ...first.slice(1)];
    const losses = await lossesOf([longer, ...others]);
    expect(Math.abs((losses.ITM ?? NaN) / (golden?.losses.ITM ?? NaN) - 1)).toBeGreaterThan(1e-5);
    sameAsReference({ ...losses, ITM: golden?.losses.ITM ?? NaN });
  });

  test("is refused another number of them", async () => {
    await expect(lossesOf(drawn().slice(1))).rejects.toThrow("false texts: expected 4, got 3.");
  });
});
