// What runs take from their data and their model: the length of epochs, the rows that validation counts, the data that a
// resumed run expects, the temperature and the momentum encoders.
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { must, type Warning } from "@blip-ts/base";
import {
  floatsOf,
  memorySource,
  openCheckpoint,
  readSafetensors,
  readTensorBytes,
} from "@blip-ts/checkpoint";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { rowsOf, weightsOf } from "../../../test/support/run-folder.ts";
import { sceneData, sceneFile, sceneList, type Scene } from "../../../test/support/training-scenes.ts";
import { match } from "../../node.ts";
import { fileSource } from "../../platform/node/local-files.ts";
import type { CustomRecipe } from "../run/index.ts";
import { train, type NodeTrainOptions } from "./train.ts";

const tiny = (name: string) =>
  fileURLToPath(new URL(`../../../../../fixtures/tiny/${name}`, import.meta.url));

const row = ({ image, true: caption }: Scene) => ({ image, caption });

let root: string;
let scenes: readonly Scene[];
let captions: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "blip-train-data-"));
  scenes = await sceneList(8);
  captions = await sceneData(join(root, "data"), scenes, row);
});
afterAll(() => rm(root, { recursive: true, force: true }));

const plain: CustomRecipe = {
  ...{ base: "few", batchSize: 4, lr: 1e-3, warmUp: 0, augment: false, dropout: 0 },
};
let count = 0;
const quick = (recipe: CustomRecipe, more: Partial<NodeTrainOptions> = {}): NodeTrainOptions => ({
  ...{ model: tiny("caption"), out: join(root, `run-${count++}`), seed: 1, threads: 1, workers: 0 },
  recipe: { ...plain, ...recipe },
  ...more,
});

const stepsOf = async (out: string) => (await rowsOf(out)).filter(({ ended }) => ended === undefined);

describe("batchesPerEpoch", () => {
  test("fewer than a pass: the next epoch goes on with the data", async () => {
    const counted = quick({ batchSize: 2, batchesPerEpoch: 1, epochs: 2, schedule: "constant" });
    expect(await train("caption", captions, counted)).toMatchObject({ steps: 2, epochs: 2 });
    const whole = quick({ batchSize: 2, steps: 2, schedule: "constant" });
    await train("caption", captions, whole);
    expect((await weightsOf(counted.out)).equals(await weightsOf(whole.out))).toBe(true);
  });

  test("more than a pass: the epoch goes on with the next pass, and steps are reached", async () => {
    const options = quick({ batchesPerEpoch: 3, epochs: 2, schedule: "cosine", per: "epoch" });
    expect(await train("caption", captions, options)).toMatchObject({ steps: 6, epochs: 2 });
    const steps = [...new Array<number[]>(3).fill([0, 1e-3]), ...new Array<number[]>(3).fill([1, 5e-4])];
    expect((await stepsOf(options.out)).map(({ epoch, lr }) => [epoch, lr])).toEqual(steps);
    const long = quick({ batchesPerEpoch: 100, steps: 5 });
    expect(await train("caption", captions, long)).toMatchObject({ steps: 5, epochs: 1 });
  });

  test("a run that was stopped within an epoch goes on with the same numbers, bit for bit", async () => {
    const recipe = { batchSize: 2, batchesPerEpoch: 3, accumulate: 2, epochs: 3, dropout: 0.1 };
    const whole = quick(recipe);
    expect(await train("caption", captions, whole)).toMatchObject({ steps: 4, epochs: 3 });
    const losses = async (out: string) => (await rowsOf(out)).map(({ loss, ended }) => [loss, ended]);
    const stop = new AbortController();
    // After four batches: within the second epoch, at the end of the first pass.
    const onStep = ({ step }: { step: number }) => step === 1 && stop.abort();
    const broken = quick(recipe, { signal: stop.signal, onStep });
    await expect(train("caption", captions, broken)).rejects.toMatchObject({ name: "AbortError" });
    await train("caption", captions, quick(recipe, { out: broken.out, resume: true }));
    expect((await weightsOf(broken.out)).equals(await weightsOf(whole.out))).toBe(true);
    expect(await losses(broken.out)).toEqual(await losses(whole.out));
  });

  test("a phase begins with a pass that the earlier phases have not begun", async () => {
    const options = quick({ batchesPerEpoch: 5, phases: [{ epochs: 1 }, { epochs: 1 }] });
    expect(await train("caption", captions, options)).toMatchObject({ steps: 10, epochs: 2 });
    const passOf = async (phase: number) => {
      const file = join(options.out, `state/phase-${phase}/step-5/state.json`);
      const state = JSON.parse(await readFile(file, "utf8")) as { position: { position: { epoch: number } } };
      return state.position.position.epoch;
    };
    // Five batches of two passes and a half each: passes 0 to 2, and 3 to 5.
    expect([await passOf(1), await passOf(2)]).toEqual([2, 5]);
  });
});

test("texts without images in validation data are told", async () => {
  const folder = join(root, "with-orphan");
  await mkdir(folder);
  await cp(sceneFile(must(scenes, 0)), join(folder, "a.png"));
  for (const name of ["a.txt", "b.txt"]) await writeFile(join(folder, name), "a dog");
  const warnings: Warning[] = [];
  await train("caption", captions, {
    ...quick({ steps: 1 }),
    ...{ validation: folder, validationLimit: 0 },
    onWarning: (warning) => warnings.push(warning),
  });
  expect(warnings.map(({ code }) => code)).toContain("dataset/texts-left-out");
});

test("false captions that no row has are missed once, and not in validation data", async () => {
  const warnings: Warning[] = [];
  const recipe = { epochs: 1, queue: 4, falseCaptions: true };
  // Data of their own, because equal warnings are given once.
  const validation = await sceneData(join(root, "val-false"), scenes.slice(0, 4), row);
  await train("match", captions, {
    ...quick(recipe, { model: tiny("match"), validation, validationLimit: 0 }),
    onWarning: (warning) => warnings.push(warning),
  });
  expect(warnings.filter(({ code }) => code === "train-data/no-false-captions")).toHaveLength(1);
});

describe("validation", () => {
  const lossOf = async (batchSize: number) => {
    const validation = await sceneData(join(root, "val-rows"), scenes.slice(0, 3), row);
    const options = quick({ batchSize, epochs: 1, lr: 0 }, { validation, validationLimit: 0 });
    return (await train("caption", captions, options)).validationLoss ?? NaN;
  };

  test("counts every row, however many a batch has", async () => {
    // One full batch, and a full one with one of a single row.
    expect(await lossOf(2)).toBeCloseTo(await lossOf(3), 5);
  });

  test("of match needs a batch of rows, and says so", async () => {
    const validation = await sceneData(join(root, "val-few"), scenes.slice(0, 3), row);
    const options = quick({ queue: 4, epochs: 1 }, { model: tiny("match"), validation, validationLimit: 0 });
    await expect(train("match", captions, options)).rejects.toMatchObject({
      code: "train/too-few-to-validate",
      message:
        "validation: expected at least 4 rows (a batch, whose rows the loss of match compares), got 3. " +
        "Give more validation data, or a smaller batchSize.",
    });
  });

  test("of patchNames alone is left out, with a warning", async () => {
    const patches = new Array<number>(16).fill(1);
    const data = await sceneData(join(root, "eyes"), scenes.slice(0, 4), (scene) => ({
      ...row(scene),
      patches,
    }));
    const warnings: Warning[] = [];
    const recipe = {
      ...{ epochs: 1, queue: 4, patchNames: { names: ["nothing", "thing"] } },
      losses: { itc: 0, itm: 0, lm: 0, patchNames: 1 },
    };
    const report = await train("pretrain", data, {
      ...quick(recipe, { model: tiny("pretrain-original"), validation: data }),
      onWarning: (warning) => warnings.push(warning),
    });
    expect(report.validationLoss).toBeNull();
    expect(warnings.map(({ code }) => code)).toContain("train/not-validated");
  });
});

describe("a resumed run", () => {
  test("expects the data that it began with, wherever it lies", async () => {
    const options = quick({ epochs: 1 }, { validation: captions, validationLimit: 0 });
    await train("caption", captions, options);
    const goOn = (data: string, validation = captions) =>
      train("caption", data, { ...options, validation, resume: true });
    await cp(join(root, "data"), join(root, "moved"), { recursive: true });
    await expect(goOn(join(root, "moved/data.jsonl"))).resolves.toMatchObject({ steps: 2, loss: null });
    const others = await sceneData(join(root, "others"), scenes, ({ image, false: caption }) => ({
      ...{ image, caption },
    }));
    await expect(goOn(others)).rejects.toMatchObject({
      code: "train/other-run",
      fields: { setting: "data" },
    });
    await expect(goOn(captions, others)).rejects.toMatchObject({ fields: { setting: "validationData" } });
    // As a run from before run.json named the data.
    const file = join(options.out, "run.json");
    const { data, validationData, ...settings } = JSON.parse(await readFile(file, "utf8")) as Record<
      string,
      unknown
    >;
    expect([data, validationData]).toEqual([
      { form: "jsonl, karpathy", sha256: expect.stringMatching(/^[\da-f]{64}$/) as string },
      data,
    ]);
    await writeFile(file, JSON.stringify(settings));
    await expect(goOn(others)).resolves.toMatchObject({ steps: 2 });
  });
});

describe("the temperature and the momentum encoders", () => {
  const open = async (file: string) => {
    const { tensors } = await readSafetensors(memorySource(file, new Uint8Array(await readFile(file))));
    return async (name: string) => {
      const tensor = tensors.get(name);
      if (!tensor) throw new Error(`there is no ${name}`);
      return [...floatsOf(await readTensorBytes(tensor), tensor)];
    };
  };
  const oneStep = { queue: 4, steps: 1, lr: 0, momentum: 1 };

  test("are those of the checkpoint, as with the original", async () => {
    const begun: string[] = [];
    const options = quick(oneStep, { model: tiny("match-original") });
    await train("match", captions, { ...options, onPlan: (plan) => begun.push(...plan.begun) });
    expect(begun).toEqual([]);
    const path = join(tiny("match-original"), "model_tiny_retrieval.pth");
    const { tensors } = await openCheckpoint(await fileSource(path));
    const own = async (name: string) => {
      const tensor = tensors.get(name);
      if (!tensor) throw new Error(`there is no ${name}`);
      return [...floatsOf(await readTensorBytes(tensor), tensor)];
    };
    const state = await open(join(options.out, "state/step-1/state.safetensors"));
    const result = await open(join(options.out, "model/model.safetensors"));
    expect(await result("temp")).toEqual(await own("temp"));
    const names = [
      ["vision_model_m.encoder.layers.1.layer_norm2.bias", "visual_encoder_m.blocks.1.norm2.bias"],
      ["vision_proj_m.weight", "vision_proj_m.weight"],
    ] as const;
    for (const [name, original] of names) {
      expect(await state(`weight ${name}`)).toEqual(await own(original));
      expect(await state(`weight ${name}`)).not.toEqual(await state(`weight ${name.replace("_m.", ".")}`));
    }
  });

  test("begin at 0.07, and as copies, if the model lacks them; the result has the temperature", async () => {
    const begun: string[] = [];
    const options = quick(oneStep, { model: tiny("match") });
    await train("match", captions, { ...options, onPlan: (plan) => begun.push(...plan.begun) });
    expect(begun).toEqual(["temp (0.07)"]);
    const state = await open(join(options.out, "state/step-1/state.safetensors"));
    expect(await state("weight vision_proj_m.weight")).toEqual(await state("weight vision_proj.weight"));
    const result = await open(join(options.out, "model/model.safetensors"));
    expect(await result("temp")).toEqual([Math.fround(0.07)]);
    const scene = must(scenes, 0);
    await expect(
      match([sceneFile(scene)], [scene.true], { model: join(options.out, "model") }),
    ).resolves.toHaveLength(1);
  });
});
