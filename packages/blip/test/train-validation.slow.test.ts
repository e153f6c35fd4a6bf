// Validation in training: the metrics that it says are those of `evaluate` on what the run leaves; a run that goes on
// validates as an unbroken one.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { must } from "@blip-ts/base";
import { evaluate, type EvaluateOptions } from "../src/node.ts";
import { metricNames, train, type EpochReport, type TrainingTask } from "../src/train/node/index.ts";
import { afterAll, beforeAll, expect, test } from "vitest";
import { sceneData, sceneList, type Scene } from "./support/training-scenes.ts";

type Options = Parameters<typeof train>[2];

const tiny = (name: string) =>
  name === "picture-book" ? name : fileURLToPath(new URL(`../../../fixtures/tiny/${name}`, import.meta.url));

let root: string;
let scenes: readonly Scene[];
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "blip-validation-"));
  scenes = await sceneList(8);
});
afterAll(() => rm(root, { recursive: true, force: true }));

let count = 0;
const quick = (more: Partial<Options> = {}): Options => ({
  ...{ model: "picture-book", out: join(root, `run-${count++}`), recipe: "few", seed: 1, threads: 1 },
  ...{ batchSize: 4, augment: false, dropout: 0, dropPath: 0, epochs: 2, workers: 0 },
  ...more,
});

/** Rows of each task over the scenes: all images lie in the folder, so that a row may name two. */
const rowsOf: Readonly<Record<TrainingTask, (scene: Scene, index: number) => Record<string, unknown>>> = {
  match: ({ image, true: caption }) => ({ image, caption }),
  pretrain: ({ image, true: caption }) => ({ image, caption }),
  caption: ({ image, true: caption }) => ({ image, caption }),
  vqa: ({ image }, index) => ({
    image,
    question: "what is there?",
    // VQA counts the other people who gave the answer.
    answers: new Array<string>(10).fill(index % 2 === 0 ? "red" : "two"),
  }),
  nlvr: ({ image }, index) => ({
    images: [image, must(scenes, (index + 1) % 8).image],
    ...{ sentence: "there is a cat", label: index % 2 === 0 ? "True" : "False" },
  }),
};

interface Case {
  readonly task: TrainingTask;
  readonly model: string;
  readonly evaluated: Parameters<typeof evaluate>[0];
  readonly options: EvaluateOptions;
  /** Where the metrics stand in the report of evaluate. */
  readonly places: readonly string[];
  /** What makes a difference to begin with, so that the numbers are not all 0. */
  readonly training: Partial<Options>;
}

const ranks = (at: string) => [`${at}.rMean`, `${at}.imageToText.r1`, `${at}.textToImage.r1`];
const cases: readonly Case[] = [
  {
    ...{ task: "match", model: "picture-book", evaluated: "retrieval", options: { k: 16 } },
    ...{ places: [...ranks("reranked.k16"), "cosine.rMean"], training: { queue: 4 } },
  },
  {
    ...{ task: "pretrain", model: tiny("pretrain-original"), evaluated: "retrieval", options: { k: 0 } },
    ...{ places: ranks("cosine"), training: { queue: 4, bestBy: "rMean" } },
  },
  {
    ...{ task: "caption", model: "picture-book", evaluated: "caption", options: { beams: 2 } },
    ...{ places: ["ciderD", "bleu4"], training: { validationBeams: 2 } },
  },
  {
    ...{ task: "vqa", model: tiny("vqa"), evaluated: "vqa", options: {}, places: ["accuracy", "exactMatch"] },
    training: { epochs: 40, lr: 4e-3, validationSteps: 40 },
  },
  {
    ...{ task: "nlvr", model: tiny("nlvr-original"), evaluated: "nlvr", options: {}, places: ["accuracy"] },
    training: {},
  },
];

const at = (results: unknown, place: string): unknown =>
  place.split(".").reduce<unknown>((value, name) => (value as Record<string, unknown>)[name], results);

test.each(cases)(
  "$task: the best weights' metrics are those of evaluate on the result",
  async ({ task, model, evaluated, options, places, training }) => {
    const data = await sceneData(join(root, task), scenes, (scene, index) => rowsOf[task](scene, index));
    const report = await train(task, data, {
      ...quick({ model, ...training }),
      ...{ validation: data, validationLimit: 6 },
    });
    const { results } = await evaluate(evaluated, data, { model: report.model, limit: 6, ...options });
    const expected = Object.fromEntries(
      metricNames[task].map((name, index) => [name, at(results, must(places, index))]),
    );
    expect(report.metrics).toEqual(expected);
    expect(Object.values(expected).every((value) => typeof value === "number")).toBe(true);
    // Rankings of 6 are never all wrong; captions of this model's own scenes and learned answers are right at times.
    if (task !== "nlvr") expect(Object.values(report.metrics ?? {}).some((value) => value > 0)).toBe(true);
  },
);

/** metrics.jsonl without what the clock says. */
async function rowsIn(out: string): Promise<unknown[]> {
  const text = await readFile(join(out, "metrics.jsonl"), "utf8");
  return text
    .trim()
    .split("\n")
    .map((line) => {
      const { imagesPerSecond, secondsLeft, waitShare, ...row } = JSON.parse(line) as Record<string, unknown>;
      expect([typeof imagesPerSecond, typeof secondsLeft]).toEqual([typeof secondsLeft, typeof waitShare]);
      return row;
    });
}

const stateOf = async (out: string, which: "last" | "best") => {
  const index = JSON.parse(await readFile(join(out, "state/training.json"), "utf8")) as Record<
    string,
    string
  >;
  return readFile(join(out, "state", index[which] ?? "", "state.safetensors"));
};

test("validation between steps, and a run that stops just before one, go on as an unbroken run", async () => {
  const data = await sceneData(join(root, "between"), scenes, (scene, index) => rowsOf.caption(scene, index));
  const settings = { model: tiny("caption"), epochs: 4, lr: 1e-3, validation: data, validationSteps: 3 };
  const validated: number[] = [];
  const epochs: EpochReport[] = [];
  const whole = quick(settings);
  await train("caption", data, {
    ...whole,
    onValidation: ({ steps }) => validated.push(steps),
    onEpoch: (epoch) => epochs.push(epoch),
  });
  // 8 steps in 4 epochs: between them after 3 and 6, and at the end.
  expect(validated).toEqual([3, 6]);
  expect(epochs.map(({ validationLoss }) => validationLoss !== null)).toEqual([false, false, false, true]);
  for (const steps of [3, 4, 6]) {
    const stop = new AbortController();
    const broken = quick(settings);
    await expect(
      train("caption", data, {
        ...broken,
        signal: stop.signal,
        onStep: ({ step }) => step + 1 === steps && stop.abort(),
      }),
    ).rejects.toMatchObject({ name: "AbortError" });
    await train("caption", data, { ...broken, resume: true });
    expect(await rowsIn(broken.out)).toEqual(await rowsIn(whole.out));
    for (const which of ["last", "best"] as const)
      expect((await stateOf(broken.out, which)).equals(await stateOf(whole.out, which))).toBe(true);
  }
});

test("a signal within a validation keeps what was trained, and the resumed run validates anew", async () => {
  const data = await sceneData(join(root, "within"), scenes, (scene, index) => rowsOf.caption(scene, index));
  const settings = { model: tiny("caption"), epochs: 2, lr: 1e-3, validation: data };
  const whole = quick(settings);
  await train("caption", data, whole);
  const stop = new AbortController();
  const broken = quick(settings);
  const run = train("caption", data, {
    ...broken,
    signal: stop.signal,
    // The first epoch's validation begins after its second step.
    onStep: ({ step }) => step === 1 && setImmediate(() => stop.abort()),
  });
  await expect(run).rejects.toMatchObject({ name: "AbortError" });
  await train("caption", data, { ...broken, resume: true });
  expect(await rowsIn(broken.out)).toEqual(await rowsIn(whole.out));
  expect((await stateOf(broken.out, "last")).equals(await stateOf(whole.out, "last"))).toBe(true);
});

test("the run ends when the metric gets no better, with the weights of the best", async () => {
  const data = await sceneData(join(root, "patience"), scenes, (scene, index) =>
    rowsOf.caption(scene, index),
  );
  const epochs: EpochReport[] = [];
  const report = await train("caption", data, {
    ...quick({ model: "picture-book", epochs: 20, lr: 0.3, clip: undefined }),
    ...{ validation: data, patience: 2, validationBeams: 1 },
    onEpoch: (epoch) => epochs.push(epoch),
  });
  expect(report.stoppedEarly).toBe(true);
  const best = epochs.findLast((epoch) => epoch.best);
  expect(epochs.indexOf(must(epochs, epochs.length - 3))).toBe(epochs.indexOf(best ?? must(epochs, 0)));
  expect(report.metrics).toEqual(best?.metrics);
  expect(report.validationLoss).toBe(best?.validationLoss);
  expect(best?.metrics?.ciderD).toBe(Math.max(...epochs.map(({ metrics }) => metrics?.ciderD ?? NaN)));
});
