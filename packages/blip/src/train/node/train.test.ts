// Runs on the example scenes with small random models.
import { copyFile, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { must } from "@blip-ts/base";
import { memorySource, readSafetensors, readTensorBytes } from "@blip-ts/checkpoint";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { lockNow } from "../../platform/node/hub/transfer-lock.ts";
import { inspect } from "../../node.ts";
import { sceneData, sceneFile, sceneList, type Scene } from "../../../test/support/training-scenes.ts";
import { recipeNamed, scaledRate } from "../run/index.ts";
import { train, type NodeTrainOptions } from "./train.ts";

const tiny = (name: string) =>
  fileURLToPath(new URL(`../../../../../fixtures/tiny/${name}`, import.meta.url));

let root: string;
let scenes: readonly Scene[];
let captions: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "blip-train-"));
  scenes = await sceneList(8);
  captions = await sceneData(join(root, "data"), scenes, (scene) => ({
    image: scene.image,
    caption: scene.true,
  }));
});
afterAll(() => rm(root, { recursive: true, force: true }));

let count = 0;
const newOut = () => join(root, `run-${count++}`);
const quick = (more: Partial<NodeTrainOptions> = {}): NodeTrainOptions => ({
  ...{ model: "picture-book", out: newOut(), recipe: "few", seed: 1, threads: 1, workers: 0 },
  ...{ batchSize: 4, augment: false, dropout: 0, dropPath: 0, decay: 0 },
  ...more,
});

const stateOf = async (out: string) => {
  const index = JSON.parse(await readFile(join(out, "state/training.json"), "utf8")) as { last: string };
  return readFile(join(out, "state", index.last, "state.safetensors"));
};
const weightsOf = (out: string) => readFile(join(out, "model/model.safetensors"));

describe("from any checkpoint", () => {
  test.each(["nlvr-original", "caption"])(
    "nlvr from %s: original names, which inspect reads",
    async (name) => {
      const data = await sceneData(join(root, `nlvr-${name}`), scenes.slice(0, 4), ({ image }, index) => ({
        images: [image, must(scenes, index + 1).image],
        sentence: "there is a cat",
        label: index % 2 === 0 ? "True" : "False",
      }));
      for (const scene of scenes.slice(4, 5))
        await copyFile(sceneFile(scene), join(root, `nlvr-${name}`, scene.image));
      const begun: string[] = [];
      const report = await train("nlvr", data, {
        ...quick({ model: tiny(name), epochs: 2 }),
        onPlan: (plan) => begun.push(...plan.begun),
      });
      const found = await inspect(report.model);
      expect(found.dialect).toBe("original");
      expect(found.tasks).toEqual(["compare"]);
      if (name === "nlvr-original") expect(begun).toEqual([]);
      else {
        expect(begun).toContain("cls_head.0.weight");
        expect(begun.some((one) => one.includes("crossattention.self1.query.weight (as "))).toBe(true);
      }
    },
  );

  test("pretrain, from scratch and at another image size", async () => {
    const options = quick({ model: tiny("pretrain-original"), epochs: 1, init: true, imageSize: 48 });
    const report = await train("pretrain", captions, options);
    const found = await inspect(report.model);
    expect(found.dialect).toBe("original");
    expect(found.tasks).toEqual(expect.arrayContaining(["match", "caption", "pretrain"]));
    const config = JSON.parse(await readFile(join(report.model, "config.json"), "utf8")) as {
      vision_config: { image_size: number };
    };
    expect(config.vision_config.image_size).toBe(48);
  });

  test("what is frozen stays as it was", async () => {
    const report = await train(
      "caption",
      captions,
      quick({ model: tiny("caption"), epochs: 1, lr: 0.1, freeze: "imageEncoder" }),
    );
    const read = async (folder: string) =>
      (await readSafetensors(memorySource("m", await readFile(join(folder, "model.safetensors"))))).tensors;
    const [before, after] = [await read(tiny("caption")), await read(report.model)];
    const same = async (name: string) => {
      const [a, b] = [before.get(name), after.get(name)];
      if (!a || !b) throw new Error(`there is no ${name}`);
      return Buffer.compare(await readTensorBytes(a), await readTensorBytes(b)) === 0;
    };
    expect(await same("vision_model.post_layernorm.weight")).toBe(true);
    expect(await same("text_decoder.cls.predictions.transform.dense.weight")).toBe(false);
  });
});

const short = (more: Partial<NodeTrainOptions> = {}) =>
  quick({ model: tiny("caption"), epochs: 4, lr: 1e-3, dropout: 0.1, augment: undefined, ...more });

describe("a run that goes on", () => {
  test("ends with the weights and losses of an unbroken one, bit for bit", async () => {
    // Stopped within its second epoch. train.slow.test.ts kills runs twice, at random moments.
    const whole = short({ epochs: 2 });
    await train("caption", captions, whole);
    const stop = new AbortController();
    const options = short({
      ...{ epochs: 2, signal: stop.signal },
      onStep: ({ step }) => step === 2 && stop.abort(),
    });
    await expect(train("caption", captions, options)).rejects.toMatchObject({ name: "AbortError" });
    await expect(readdir(join(options.out, "model"))).rejects.toThrow("ENOENT");
    await train("caption", captions, { ...short({ epochs: 2 }), out: options.out, resume: true });
    expect((await stateOf(options.out)).equals(await stateOf(whole.out))).toBe(true);
    expect((await weightsOf(options.out)).equals(await weightsOf(whole.out))).toBe(true);
    const losses = async (out: string) =>
      (await readFile(join(out, "metrics.jsonl"), "utf8")).match(/"loss":[^,]*/g);
    expect(await losses(options.out)).toEqual(await losses(whole.out));
  }, 90_000);

  test("is refused while another process trains into the folder, and leaves no lock", async () => {
    const options = short({ epochs: 1 });
    await mkdir(options.out);
    const taken = await lockNow(join(options.out, "run.lock"));
    if ("owner" in taken) throw new Error("the folder is new");
    await expect(train("caption", captions, options)).rejects.toMatchObject({
      code: "train/in-use",
      message: expect.stringContaining(`got process ${process.pid}`) as string,
    });
    await taken.release();
    await train("caption", captions, options);
    expect(await readdir(options.out)).not.toContain("run.lock");
    const missing = short({ resume: true });
    await expect(train("caption", captions, missing)).rejects.toMatchObject({ code: "train/no-run" });
    await expect(readdir(missing.out)).rejects.toThrow("ENOENT");
  });

  test("is refused with other settings, and where there is none", async () => {
    const options = short({ epochs: 1 });
    await train("caption", captions, options);
    await expect(train("caption", captions, { ...options, resume: true, lr: 1 })).rejects.toMatchObject({
      code: "train/other-run",
      message: expect.stringContaining("lr: expected 0.001 as the run began with, got 1") as string,
    });
    await expect(train("caption", captions, short({ resume: true }))).rejects.toMatchObject({
      code: "train/no-run",
    });
    await expect(train("caption", captions, options)).rejects.toMatchObject({ code: "train/out-occupied" });
  });
});

test("with validation data the best epoch is the result, and the run ends when it gets no better", async () => {
  const losses: (number | null)[] = [];
  const options = short({
    ...{ validation: captions, epochs: 20, lr: 1, patience: 2, clip: undefined },
    ...{ bestBy: "loss", validationLimit: 0 },
    onEpoch: ({ validationLoss }) => losses.push(validationLoss),
  });
  const report = await train("caption", captions, options);
  expect(report.stoppedEarly).toBe(true);
  expect(report.epochs).toBeLessThan(20);
  expect(report.validationLoss).toBe(Math.min(...losses.map(Number)));
  expect(losses.at(-3)).toBe(report.validationLoss);
}, 90_000);

test("validation reads its own part of a file, and never the one that is trained on", async () => {
  const file = join(root, "data/dataset.json");
  const images = scenes.map(({ image, true: raw }, index) => ({
    ...{ filename: image, imgid: index, split: index < 4 ? "train" : "val", sentences: [{ raw }] },
  }));
  await writeFile(file, JSON.stringify({ images }));
  const counts: unknown[] = [];
  const options = quick({
    ...{ model: tiny("caption"), epochs: 1, validation: file, validationBeams: 1, bestBy: "loss" },
    reader: { split: "train" },
    onPlan: ({ samples }) => counts.push(samples),
    onEpoch: ({ validationLoss, metrics }) => counts.push(validationLoss !== null, metrics !== null),
    onValidating: ({ step, total }) => step === "rows" && counts.push(`rows ${total}`),
  });
  await train("caption", file, { ...options, validationReader: { split: "val" } });
  expect(new Set(counts)).toEqual(new Set([4, true, "rows 4"]));
  const other = { ...options, out: newOut() };
  await expect(train("caption", file, other)).rejects.toMatchObject({ code: "dataset/bad-option" });
  const alone = quick({ model: tiny("caption"), validationReader: {} });
  await expect(train("caption", file, alone)).rejects.toThrow(/validationReader: expected validation data/);
});

test("numbers that are not finite end it with a report, and the state before them stays", async () => {
  const options = short({ lr: 1e30, clip: undefined, warmUp: 0 });
  await expect(train("caption", captions, options)).rejects.toMatchObject({
    code: "train/not-finite",
    message: expect.stringMatching(/^step \d+: .*samples \d.*The weights before this step are in/) as string,
  });
  const found = JSON.parse(await readFile(join(options.out, "not-finite.json"), "utf8")) as {
    samples: number[];
  };
  expect(found.samples).toHaveLength(4);
  expect((await stateOf(options.out)).length).toBeGreaterThan(1000);
});

test.each([
  [{ epochs: 0 }, "epochs: expected a whole number of at least 1, got 0"],
  [{ lr: NaN }, "lr: expected a number of at least 0, got NaN"],
  [{ clip: 0 }, "clip: expected a number above 0, got 0"],
  [{ recipe: "best" as "few" }, "recipe: expected blip, few, or a file whose name ends in .json, got best"],
  [{ freeze: "all" as "imageEncoder" }, "freeze: expected imageEncoder or allButCrossAttention, got all"],
  [{ patience: 2 }, "patience: expected validation data"],
  [{ imageSize: 33 }, "imageSize: expected a multiple of the patch's 8, got 33"],
  [{ accumulate: 99, epochs: 1 }, "accumulate: expected at most 2 batches"],
])("option %o is refused, and nothing is written", async (options, says) => {
  const given = short(options);
  await expect(train("caption", captions, given)).rejects.toThrow(says);
  await expect(readdir(given.out)).rejects.toThrow("ENOENT");
});

test("the learning rate follows the root of the samples per step, up to the reference's", () => {
  const recipe = recipeNamed("caption", "blip");
  expect(scaledRate(recipe, 256)).toBe(1e-5);
  expect(scaledRate(recipe, 64)).toBe(5e-6);
  expect(scaledRate(recipe, 1024)).toBe(1e-5);
});
