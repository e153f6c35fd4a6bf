// Custom recipes and their phases, on small random models.
import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { memorySource, readSafetensors, readTensorBytes } from "@blip-ts/checkpoint";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { rowsOf, weightsOf } from "../../../test/support/run-folder.ts";
import { sceneData, sceneList, type Scene } from "../../../test/support/training-scenes.ts";
import type { RunPlan } from "../run/index.ts";
import { train, type NodeTrainOptions } from "./train.ts";

const tiny = (name: string) =>
  fileURLToPath(new URL(`../../../../../fixtures/tiny/${name}`, import.meta.url));

let root: string;
let scenes: readonly Scene[];
let captions: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "blip-phases-"));
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
  ...{ model: tiny("caption"), out: newOut(), seed: 1, threads: 1, workers: 0 },
  ...more,
});

const runJson = async (out: string) =>
  JSON.parse(await readFile(join(out, "run.json"), "utf8")) as Record<string, unknown>;
const tensorsOf = async (folder: string) =>
  (await readSafetensors(memorySource("m", await readFile(join(folder, "model.safetensors"))))).tensors;

/** Whether a weight is the same in two folders. */
async function isSame(name: string, one: string, other: string): Promise<boolean> {
  const [a, b] = [(await tensorsOf(one)).get(name), (await tensorsOf(other)).get(name)];
  if (!a || !b) throw new Error(`there is no ${name}`);
  return Buffer.compare(await readTensorBytes(a), await readTensorBytes(b)) === 0;
}

const vision = "vision_model.post_layernorm.weight";
const text = "text_decoder.cls.predictions.transform.dense.weight";

describe("a recipe of one's own", () => {
  test("replaces a preset's values, and options replace the recipe's", async () => {
    const file = join(root, "recipe.json");
    const recipe = { base: "few", epochs: 1, batchSize: 4, lr: 1e-3, clip: null, decay: 0, augment: false };
    await writeFile(file, JSON.stringify({ ...recipe, freeze: ["vision_model.", "text_decoder.cls."] }));
    const options = quick({ recipe: file, decay: 0.01 });
    const report = await train("caption", captions, options);
    expect(report.steps).toBe(2);
    expect(await runJson(options.out)).toMatchObject({
      ...{ epochs: 1, batchSize: 4, lr: 1e-3, clip: null, decay: 0.01, augment: false, warmUp: 10 },
      ...{ freeze: ["vision_model.", "text_decoder.cls."], phases: null },
    });
    expect(await isSame(vision, report.model, tiny("caption"))).toBe(true);
    expect(await isSame(text, report.model, tiny("caption"))).toBe(true);
    const name = "text_decoder.bert.encoder.layer.0.attention.self.query.weight";
    expect(await isSame(name, report.model, tiny("caption"))).toBe(false);
  });

  test("freezes a tied weight by each of its names", async () => {
    const freeze = ["text_encoder.embeddings."];
    const recipe = { base: "few", epochs: 1, batchSize: 4, lr: 1e-2, augment: false, freeze } as const;
    const report = await train("pretrain", captions, quick({ model: tiny("match"), recipe }));
    const words = "text_encoder.embeddings.word_embeddings.weight";
    expect(await isSame(words, report.model, tiny("match"))).toBe(true);
    const query = "text_encoder.encoder.layer.0.crossattention.self.query.weight";
    expect(await isSame(query, report.model, tiny("match"))).toBe(false);
  });

  test("a loss of weight 0 leaves the metrics of validation as they are", async () => {
    const recipe = { base: "few", epochs: 1, batchSize: 4, augment: false, losses: { itm: 0 } } as const;
    const options = quick({ model: tiny("match"), recipe, validation: captions });
    const report = await train("match", captions, options);
    expect(report.metrics?.rMean).toBeGreaterThan(0);
  });

  test("shortens captions of several sentences, of training alone", async () => {
    const data = await sceneData(join(root, "sentences"), scenes.slice(0, 4), ({ image, ...scene }) => ({
      image,
      caption: `${scene.true}.\n${scene.true}. It is a picture.`,
    }));
    const recipe = { base: "few", epochs: 1, batchSize: 4, lr: 0, augment: false, dropout: 0 } as const;
    const rows = [];
    for (const shorten of [undefined, 1]) {
      const options = quick({ recipe: { ...recipe, shorten }, validation: data, validationLimit: 0 });
      await train("caption", data, options);
      expect(await runJson(options.out)).toMatchObject({ shorten: shorten ?? null });
      rows.push(await rowsOf(options.out));
    }
    const [[plain, plainEnd], [short, shortEnd]] = rows as [(typeof rows)[0], (typeof rows)[0]];
    expect(short?.loss).not.toBe(plain?.loss);
    expect(plainEnd?.validationLoss).toBeGreaterThan(0);
    expect(shortEnd?.validationLoss).toBe(plainEnd?.validationLoss);
  });

  test.each([
    [{ shorten: 1.5 }, "recipe, shorten: expected a number from 0 to 1, got 1.5."],
    [{ batchsize: 4 }, "batchsize: expected one of the fields batchSize, "],
    [{ lr: "fast" }, 'recipe, lr: expected a number of at least 0, got "fast".'],
    [{ dropout: 1 }, "recipe, dropout: expected a number from 0 to 0.99, got 1."],
    [{ phases: [] }, "recipe, phases: expected a list of at least one phase, got []."],
    [
      { phases: [{ epochs: 1 }, { lr: -1 }] },
      "recipe, phases[1].lr: expected a number of at least 0, got -1.",
    ],
    [{ phases: [{ imageSize: 64 }] }, "recipe, phases[0].imageSize: expected one of the fields"],
    [{ phases: [{ epochs: 1, steps: 1 }] }, "recipe, phases[0].steps: expected epochs or steps, got both."],
    [{ augment: { flop: 1 } }, "recipe, augment.flop: expected one of the fields scale, flip"],
    [{ losses: { itc: 1 } }, "losses: expected losses of caption (lm), got itc."],
    [{ losses: { lm: -1 } }, "recipe, losses.lm: expected a number of at least 0, got -1."],
    [{ losses: { lm: 0 } }, "losses: expected a loss whose weight is above 0, got none."],
    [
      { freeze: ["text_decodre."] },
      "freeze: expected imageEncoder or allButCrossAttention, or prefixes of the names of trained weights, got text_decodre.",
    ],
    [[], "recipe: expected a recipe, an object, got []."],
  ])("%j is refused, and nothing is written", async (recipe, says) => {
    const options = quick({ recipe: recipe as object, batchSize: 4 });
    await expect(train("caption", captions, options)).rejects.toThrow(says);
    await expect(readdir(options.out)).rejects.toThrow("ENOENT");
  });

  test.each([
    ["absent.json", undefined, "expected blip, few, or a JSON file, got no such file"],
    ["broken.json", "{", "expected JSON, got "],
    ["wrong.json", '{"epochs": 0}', "epochs: expected a whole number from 1 to"],
  ])("the file %s is refused by its name", async (name, content, says) => {
    const recipe = join(root, name);
    if (content !== undefined) await writeFile(recipe, content);
    const refused = train("caption", captions, quick({ recipe }));
    await expect(refused).rejects.toMatchObject({ code: "train/recipe" });
    await expect(refused).rejects.toThrow(says);
    await expect(refused).rejects.toThrow(recipe);
  });
});

const twoPhases = {
  base: "few",
  ...{ batchSize: 2, lr: 1e-2, warmUp: 0 },
  phases: [
    { steps: 3, freeze: "imageEncoder" },
    { epochs: 1, batchSize: 4, lr: 1e-3, freeze: ["text_decoder."], accumulate: 1 },
  ],
} as const;

describe("phases", () => {
  test("run one after another, each from what the last one left", async () => {
    const options = quick({ recipe: twoPhases });
    const plans: RunPlan[] = [];
    const report = await train("caption", captions, { ...options, onPlan: (plan) => plans.push(plan) });
    expect(plans).toMatchObject([{ steps: 5, phases: 2, measured: true }]);
    expect(plans[0]?.seconds).toBeGreaterThan(0);
    expect(report).toMatchObject({ steps: 5, epochs: 2 });
    const rows = await rowsOf(options.out);
    const steps = rows.filter(({ ended }) => ended === undefined);
    expect(steps.map(({ step, steps: all, phase, epoch }) => [step, all, phase, epoch])).toEqual([
      ...[0, 1, 2].map((step) => [step, 5, 1, 0]),
      ...[3, 4].map((step) => [step, 5, 2, 1]),
    ]);
    expect(rows.filter(({ ended }) => ended !== undefined).map(({ ended, phase }) => [ended, phase])).toEqual(
      [
        [0, 1],
        [1, 2],
      ],
    );
    // The result has the weights that the first phase trained, although the second one froze them.
    expect(await isSame(text, report.model, tiny("caption"))).toBe(false);
    expect(await isSame(vision, report.model, tiny("caption"))).toBe(false);
    // Each phase has its own schedule: its first rate is its highest.
    expect(steps.map(({ lr }) => lr)[0]).toBe(1e-2);
    expect(steps.map(({ lr }) => lr)[3]).toBe(1e-3);
  });

  test("equal runs one by one: the second begins with the first one's result", async () => {
    const values = { base: "few", batchSize: 4, lr: 1e-2, warmUp: 0, dropout: 0, augment: false } as const;
    const phases = [{ epochs: 1 }, { epochs: 1, freeze: "imageEncoder" }] as const;
    const whole = quick({ recipe: { ...values, phases } });
    await train("caption", captions, whole);
    const first = await train("caption", captions, quick({ recipe: { ...values, ...phases[0] } }));
    const firstRows = (await rowsOf(whole.out)).filter(
      ({ ended, phase }) => ended === undefined && phase === 1,
    );
    const alone = await rowsOf(join(first.model, ".."));
    expect(firstRows.map(({ loss }) => loss)).toEqual(
      alone.filter(({ ended }) => ended === undefined).map(({ loss }) => loss),
    );
    const name = "vision_model.encoder.layers.0.mlp.fc1.weight";
    // Frozen in the second phase, so equal to the first one's result.
    expect(await isSame(name, join(whole.out, "model"), first.model)).toBe(true);
    expect(await isSame(text, join(whole.out, "model"), first.model)).toBe(false);
  }, 60_000);

  test("stopped in the second phase and resumed: the same numbers, bit for bit", async () => {
    // train-phases.slow.test.ts stops in the first phase, and between phases, with validation.
    const whole = quick({ recipe: twoPhases });
    await train("caption", captions, whole);
    const stop = new AbortController();
    const options = {
      ...whole,
      ...{ out: newOut(), signal: stop.signal, onStep: ({ step }) => step === 3 && stop.abort() },
    } satisfies NodeTrainOptions;
    await expect(train("caption", captions, options)).rejects.toMatchObject({ name: "AbortError" });
    await train("caption", captions, { ...whole, out: options.out, resume: true });
    expect((await weightsOf(options.out)).equals(await weightsOf(whole.out))).toBe(true);
    const losses = async (out: string) =>
      (await rowsOf(out)).map(({ step, phase, loss, ended }) => [step, phase, loss, ended]);
    expect(await losses(options.out)).toEqual(await losses(whole.out));
  }, 60_000);

  test("other phases are refused when a run goes on", async () => {
    const options = quick({ recipe: twoPhases });
    await train("caption", captions, options);
    const [first, second] = twoPhases.phases;
    const goOn = (phases: readonly object[]) =>
      train("caption", captions, { ...options, recipe: { ...twoPhases, phases }, resume: true });
    await expect(goOn([first, { ...second, lr: 1 }])).rejects.toThrow(
      "phases[1].lr: expected 0.001 as the run began with, got 1",
    );
    await expect(goOn([first])).rejects.toMatchObject({ code: "train/other-run" });
    // With the same settings, the run only writes the result again.
    await expect(goOn([first, second])).resolves.toMatchObject({ steps: 5, loss: null });
  }, 60_000);
});

test("a run without texts leaves a whole model: what it does not train begins at random, or stays", async () => {
  const names = ["nothing", "thing"];
  const data = await sceneData(join(root, "eyes"), scenes.slice(0, 4), (scene) => ({
    image: scene.image,
    caption: scene.true,
    patches: new Array<number>(16).fill(1),
  }));
  const recipe = {
    base: "few",
    ...{ batchSize: 2, epochs: 1, augment: false, queue: 2, patchNames: { names } },
    losses: { itc: 0, itm: 0, lm: 0, patchNames: 1 },
  } as const;
  const model = tiny("pretrain-original");
  const run = (more: Partial<NodeTrainOptions>) => train("pretrain", data, quick({ model, recipe, ...more }));
  const [begun, kept, again] = [await run({ init: true }), await run({}), await run({ seed: 9 })];
  // Every weight of pre-training, so that the next run can begin with it.
  const whole = await train("pretrain", data, quick({ model, recipe: { ...recipe, losses: { lm: 1 } } }));
  for (const { model: folder } of [begun, kept])
    expect([...(await tensorsOf(folder)).keys()].toSorted()).toEqual(
      [...(await tensorsOf(whole.model)).keys()].toSorted(),
    );
  const word = "text_decoder.bert.embeddings.word_embeddings.weight";
  expect(await isSame(word, kept.model, begun.model)).toBe(false);
  expect(await isSame(word, kept.model, again.model)).toBe(true);
  expect(await isSame("visual_encoder.norm.weight", kept.model, again.model)).toBe(false);
  await expect(
    train("caption", data, quick({ model: begun.model, recipe: { base: "few", epochs: 1, batchSize: 4 } })),
  ).resolves.toMatchObject({ steps: 1 });
}, 60_000);

test("false captions change the loss ITM of pre-training alone, and are refused by other tasks", async () => {
  const falseData = await sceneData(join(root, "false"), scenes.slice(0, 4), (scene) => ({
    image: scene.image,
    caption: scene.true,
    false_captions: ["a photo of nothing at all"],
  }));
  const recipe = { base: "few", batchSize: 4, epochs: 1, augment: false, dropout: 0, queue: 4 } as const;
  const lossesWith = async (falseCaptions: boolean) => {
    const options = quick({ model: tiny("pretrain-original"), recipe: { ...recipe, falseCaptions } });
    let seen: Readonly<Record<string, number>> = {};
    await train("pretrain", falseData, { ...options, onStep: ({ losses }) => void (seen = losses) });
    expect(await runJson(options.out)).toMatchObject({ falseCaptions });
    return seen;
  };
  const [own, drawn] = [await lossesWith(true), await lossesWith(false)];
  expect(Object.keys(own)).toEqual(["ITC", "ITM", "LM"]);
  expect(own.ITC).toBeCloseTo(drawn.ITC ?? NaN, 5);
  expect(own.LM).toBeCloseTo(drawn.LM ?? NaN, 5);
  expect(Math.abs((own.ITM ?? NaN) - (drawn.ITM ?? NaN))).toBeGreaterThan(1e-4);
  // The message of the training data, before anything is opened.
  const missing = quick({ recipe, model: join(root, "nowhere"), falseCaptions: true });
  await expect(train("caption", captions, missing)).rejects.toMatchObject({
    code: "train-data/bad-option",
    message:
      "falseCaptions: expected false for caption, which has no loss ITM, got true. Give another value.",
  });
}, 60_000);

describe("the weights of losses, and the names of patches", () => {
  const names = ["nothing", "thing"];
  const patchData = (folder: string, patches: (index: number) => readonly unknown[] | undefined) =>
    sceneData(join(root, folder), scenes.slice(0, 4), (scene, index) => ({
      image: scene.image,
      caption: scene.true,
      patches: patches(index),
    }));
  const recipe = {
    base: "few",
    ...{ batchSize: 2, epochs: 1, lr: 1e-3, augment: false, warmUp: 0, queue: 2 },
    patchNames: { names, weights: [0.1, 1] },
    losses: { itc: 0.5, patchNames: 2 },
  } as const;
  const pretraining = (more: object = {}) =>
    quick({ model: tiny("pretrain-original"), recipe: { ...recipe, ...more } });

  test("the loss is their sum, and the head is not in the result", async () => {
    const count = 16;
    const data = await patchData("patches", (index) =>
      index === 0
        ? undefined
        : Array.from({ length: count }, (_, at) => [null, "thing", 0, "nothing"][at % 4]),
    );
    const skipped: string[] = [];
    const options = { ...pretraining(), onSkip: ({ line }: { line: string }) => skipped.push(line) };
    const lossesSeen: Readonly<Record<string, number>>[] = [];
    const report = await train("pretrain", data, {
      ...options,
      onStep({ loss, losses }) {
        lossesSeen.push(losses);
        const { ITC = NaN, ITM = NaN, LM = NaN, "patch-names": patches = NaN } = losses;
        expect(loss).toBeCloseTo(0.5 * ITC + ITM + LM + 2 * patches, 4);
        expect(patches).toBeGreaterThan(0);
      },
    });
    expect(skipped).toEqual([]);
    expect(lossesSeen).toHaveLength(2);
    const tensors = [...(await tensorsOf(report.model)).keys()];
    expect(tensors.filter((name) => name.includes("patch_names"))).toEqual([]);
    expect(tensors).toContain("itm_head.weight");
  }, 60_000);

  test("rows whose patches are of another number or name are left out, with a line", async () => {
    const data = await patchData("wrong-patches", (index) =>
      index === 0
        ? ["thing"]
        : index === 1
          ? new Array<string>(16).fill("cat")
          : new Array<number>(16).fill(1),
    );
    const skipped: string[] = [];
    await train("pretrain", data, { ...pretraining(), onSkip: ({ line }) => skipped.push(line) });
    expect(skipped).toHaveLength(2);
    expect(skipped[0]).toContain("expected patches of 16 labels, one per patch, got 1");
    expect(skipped[1]).toContain(
      'expected patches of one of the recipe\'s 2 names, or its number, got "cat"',
    );
  });

  test.each([
    [{ augment: true }, "augment: expected false with the loss patchNames"],
    [{ patchNames: undefined }, "patchNames: expected names of patches"],
    [{ patchNames: { names, weights: [1] } }, "patchNames.weights: expected 2 numbers, one per name, got 1"],
    [{ patchNames: { names: ["one"] } }, "recipe, patchNames.names: expected a list of at least two names"],
  ])("%j is refused", async (more, says) => {
    await expect(train("pretrain", captions, pretraining(more))).rejects.toThrow(says);
  });
});
