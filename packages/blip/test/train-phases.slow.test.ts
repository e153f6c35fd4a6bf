// A run of two phases that is stopped anywhere ends as an unbroken one.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { floatsOf, memorySource, readSafetensors, readTensorBytes } from "@blip-ts/checkpoint";
import { afterAll, beforeAll, expect, test } from "vitest";
import { train, type NodeTrainOptions } from "../src/train/node/train.ts";
import { rowsOf, weightsOf } from "./support/run-folder.ts";
import { sceneData, sceneList } from "./support/training-scenes.ts";

const tiny = fileURLToPath(new URL("../../../fixtures/tiny/pretrain-original", import.meta.url));

let root: string;
let captions: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "blip-phases-"));
  captions = await sceneData(join(root, "data"), await sceneList(8), (scene) => ({
    image: scene.image,
    caption: scene.true,
    patches: new Array<string>(16).fill("thing"),
  }));
});
afterAll(() => rm(root, { recursive: true, force: true }));

let count = 0;
const newOut = () => join(root, `run-${count++}`);
const quick = (more: Partial<NodeTrainOptions> = {}): NodeTrainOptions => ({
  ...{ model: tiny, out: newOut(), seed: 1, threads: 1, workers: 0 },
  ...more,
});

const twoPhases = {
  base: "few",
  ...{ batchSize: 2, lr: 1e-2, warmUp: 0, queue: 4, init: true, augment: false },
  patchNames: { names: ["nothing", "thing"] },
  phases: [
    { steps: 3, freeze: "imageEncoder" },
    { epochs: 1, batchSize: 4, lr: 1e-3, freeze: ["text_decoder."], losses: { patchNames: 0.5 } },
  ],
} as const;

test("stopped in either phase, or killed between them, and resumed: the same numbers, bit for bit", async () => {
  const whole = quick({ recipe: twoPhases, validation: captions, bestBy: "loss", validationLimit: 0 });
  await train("pretrain", captions, whole);
  const losses = async (out: string) =>
    (await rowsOf(out)).map(({ step, phase, loss, ended }) => [step, phase, loss, ended]);
  const [weights, rows] = [await weightsOf(whole.out), await losses(whole.out)];
  const expectSame = async (out: string) => {
    expect((await weightsOf(out)).equals(weights)).toBe(true);
    expect(await losses(out)).toEqual(rows);
  };
  for (const stopAt of [1, 2, 4]) {
    const stop = new AbortController();
    const options = {
      ...whole,
      ...{ out: newOut(), signal: stop.signal, onStep: ({ step }) => step === stopAt && stop.abort() },
    } satisfies NodeTrainOptions;
    await expect(train("pretrain", captions, options)).rejects.toMatchObject({ name: "AbortError" });
    await train("pretrain", captions, { ...whole, out: options.out, resume: true });
    await expectSame(options.out);
  }
  // As a process leaves it that ends before the second phase has saved a state.
  await rm(join(whole.out, "state/phase-2"), { recursive: true });
  await train("pretrain", captions, { ...whole, resume: true });
  await expectSame(whole.out);
}, 300_000);

test("what a first phase does not compute begins at random in the second one, not as the model's", async () => {
  const options = quick({
    recipe: {
      base: "few",
      ...{ batchSize: 2, lr: 1e-3, warmUp: 0, queue: 4, init: true, augment: false },
      patchNames: { names: ["nothing", "thing"] },
      phases: [
        { steps: 2, losses: { itc: 0, itm: 0, lm: 0, patchNames: 1 } },
        { steps: 1, lr: 0 },
      ],
    },
  });
  const { model } = await train("pretrain", captions, options);
  const rows = (await rowsOf(options.out)) as unknown as { readonly losses?: object }[];
  expect(rows.flatMap(({ losses }) => (losses ? [Object.keys(losses).join()] : []))).toEqual([
    "patch-names",
    "patch-names",
    "ITC,ITM,LM",
  ]);
  const tensors = async (folder: string) =>
    (await readSafetensors(memorySource("m", await readFile(join(folder, "model.safetensors"))))).tensors;
  const valuesOf = async (name: string) => {
    const tensor = (await tensors(model)).get(name) ?? expect.fail(name);
    return floatsOf(await readTensorBytes(tensor), tensor);
  };
  // New matrices are normal with a deviation of 0.02, new biases 0: the model's own are neither.
  const query = await valuesOf("text_encoder.encoder.layer.0.attention.self.query.weight");
  const deviation = Math.sqrt(query.reduce((sum, value) => sum + value ** 2, 0) / query.length);
  expect(deviation).toBeGreaterThan(0.015);
  expect(deviation).toBeLessThan(0.025);
  const bias = await valuesOf("text_encoder.encoder.layer.0.attention.self.query.bias");
  expect(bias.every((value) => value === 0)).toBe(true);
}, 300_000);
