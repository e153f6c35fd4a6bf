// Runs that train an adapter: their files, their resumption with the same numbers, and their results.
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { must } from "@blip-ts/base";
import { memorySource, readSafetensors } from "@blip-ts/checkpoint";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { compare, match } from "../../node.ts";
import { fixture } from "../../../test/support/goldens.ts";
import { sceneData, sceneFile, sceneList, type Scene } from "../../../test/support/training-scenes.ts";
import type { RunPlan } from "../run/index.ts";
import { train, type NodeTrainOptions } from "./train.ts";

const tiny = (name: string) => fixture(`tiny/${name}`);

let root: string;
let scenes: readonly Scene[];
let captions: string;
const home = process.env.HF_HOME;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "blip-lora-"));
  process.env.HF_HOME = join(root, "home");
  scenes = await sceneList(8);
  captions = await sceneData(join(root, "data"), scenes, (scene) => ({
    image: scene.image,
    caption: scene.true,
  }));
});
afterAll(async () => {
  if (home === undefined) delete process.env.HF_HOME;
  else process.env.HF_HOME = home;
  await rm(root, { recursive: true, force: true });
});

let count = 0;
const quick = (more: Partial<NodeTrainOptions> = {}): NodeTrainOptions => ({
  ...{ model: tiny("caption"), out: join(root, `run-${count++}`), recipe: "few", seed: 1, threads: 1 },
  ...{ batchSize: 4, augment: false, workers: 0, epochs: 3, lr: 1e-2, lora: { rank: 4, alpha: 8 } },
  ...more,
});

const namesIn = async (file: string) => [
  ...(await readSafetensors(memorySource(file, new Uint8Array(await readFile(file))))).tensors.keys(),
];
const stateOf = async (out: string) => {
  const index = JSON.parse(await readFile(join(out, "state/training.json"), "utf8")) as { last: string };
  return join(out, "state", index.last, "state.safetensors");
};

test("leaves an adapter in PEFT's form; states hold it alone", async () => {
  const plans: RunPlan[] = [];
  const options = quick({ onPlan: (plan) => plans.push(plan) });
  const report = await train("caption", captions, options);
  expect((await readdir(report.model)).sort()).toEqual(["adapter_config.json", "adapter_model.safetensors"]);
  const config = JSON.parse(await readFile(join(report.model, "adapter_config.json"), "utf8")) as object;
  expect(config).toMatchObject({
    ...{ peft_type: "LORA", r: 4, lora_alpha: 8, target_modules: ["query", "value"], bias: "none" },
    ...{ base_model_name_or_path: tiny("caption"), modules_to_save: null, inference_mode: true },
  });
  const names = await namesIn(join(report.model, "adapter_model.safetensors"));
  // 3 layers, two attentions per layer, two matrices per attention.
  expect(names).toHaveLength(3 * 2 * 2 * 2);
  const [of, ending] = ["base_model.model.text_decoder.bert.encoder.layer.2", "lora_A.weight"];
  expect(names).toContain(`${of}.crossattention.self.value.${ending}`);
  const kept = await namesIn(await stateOf(options.out));
  expect(kept).toHaveLength(3 * names.length);
  expect(kept.every((name) => /^(weight|first|second) .*\.lora_[AB]\.weight$/.test(name))).toBe(true);
  const plan = must(plans, 0);
  // A and B of rank 4: for 32 x 32 matrices, and for keys and values of images 32 x 48.
  expect(plan.trained).toBe(3 * 4 * (3 * (32 + 32) + (32 + 48)));
  expect(plan.memory.gradients).toBeLessThan(plan.memory.weights / 5);
});

test("is learned: the loss falls, and the base alone is as it was", async () => {
  const losses: number[] = [];
  const before = await readFile(join(tiny("caption"), "model.safetensors"));
  await train(
    "caption",
    captions,
    quick({ epochs: 30, dropout: 0, onStep: ({ loss }) => losses.push(loss) }),
  );
  expect(must(losses, losses.length - 1)).toBeLessThan(must(losses, 0) - 1);
  expect((await readFile(join(tiny("caption"), "model.safetensors"))).equals(before)).toBe(true);
});

test("goes on with the numbers of an unbroken run, bit for bit, with dropout of its own", async () => {
  const lora = {
    rank: 2,
    dropout: 0.2,
    targets: ["query", "qkv"],
    modulesToSave: ["text_decoder.cls.predictions.transform"],
  };
  const settings = { lora, dropout: 0.1, augment: undefined };
  const whole = quick(settings);
  await train("caption", captions, whole);
  const stop = new AbortController();
  const broken = quick({
    ...settings,
    signal: stop.signal,
    onStep: ({ step }) => step + 1 === 3 && stop.abort(),
  });
  await expect(train("caption", captions, broken)).rejects.toMatchObject({ name: "AbortError" });
  const other = quick({ ...settings, lora: { ...lora, rank: 3 }, out: broken.out, resume: true });
  await expect(train("caption", captions, other)).rejects.toMatchObject({ code: "train/other-run" });
  const report = await train("caption", captions, quick({ ...settings, out: broken.out, resume: true }));
  const file = "model/adapter_model.safetensors";
  const [one, two] = [await readFile(join(whole.out, file)), await readFile(join(broken.out, file))];
  expect(two.equals(one)).toBe(true);
  expect((await readFile(await stateOf(broken.out))).equals(await readFile(await stateOf(whole.out)))).toBe(
    true,
  );
  const names = await namesIn(join(report.model, "adapter_model.safetensors"));
  expect(names).toContain("base_model.model.text_decoder.cls.predictions.transform.LayerNorm.bias");
  expect(names).toContain("base_model.model.vision_model.encoder.layers.0.self_attn.qkv.lora_B.weight");
});

test("match: momentum encoders follow the adapter, and the result changes what the model says", async () => {
  const options = quick({
    ...{
      model: tiny("match"),
      queue: 8,
      epochs: 4,
      lora: { rank: 4, modulesToSave: ["vision_proj", "text_proj"] },
    },
  });
  const report = await train("match", captions, options);
  const kept = await namesIn(await stateOf(options.out));
  expect(kept).toContain("weight text_encoder_m.encoder.layer.0.attention.self.query.lora_B.weight");
  expect(kept).toContain("weight vision_proj_m.weight");
  expect(kept.some((name) => name.includes("vision_model_m"))).toBe(false);
  const names = await namesIn(join(report.model, "adapter_model.safetensors"));
  expect(names.some((name) => name.includes("_m."))).toBe(false);
  expect(names).toContain("base_model.model.vision_proj.weight");
  const scene = must(scenes, 0);
  const say = async (adapter?: string) =>
    (
      await match([sceneFile(scene)], [scene.true], {
        model: tiny("match"),
        ...(adapter !== undefined && { adapter }),
      })
    )[0];
  expect(await say(report.model)).not.toEqual(await say());
});

test("nlvr: an adapter over the original names, which the command's verbs take", async () => {
  const data = await sceneData(join(root, "nlvr"), scenes, ({ image }, index) => ({
    images: [image, must(scenes, (index + 1) % scenes.length).image],
    sentence: "there is a cat",
    label: index % 2 === 0 ? "True" : "False",
  }));
  const report = await train("nlvr", data, quick({ model: tiny("nlvr-original"), lora: { rank: 2 } }));
  const say = async (adapter?: string) =>
    compare([sceneFile(must(scenes, 0)), sceneFile(must(scenes, 1))], ["there is a cat"], {
      model: tiny("nlvr-original"),
      ...(adapter !== undefined && { adapter }),
    });
  expect(await say(report.model)).not.toEqual(await say());
});

describe("is refused, and nothing is written", () => {
  test.each<[Partial<NodeTrainOptions>, string]>([
    [{ lora: { rank: 4 }, freeze: "imageEncoder" }, "lora: expected no freeze with it"],
    [{ lora: { rank: 4 }, init: true }, "lora: expected no init with it"],
    [{ lora: { rank: -1 } }, "lora.rank: expected a whole number from 1"],
    [{ lora: { rank: 4, targets: ["c_attn"] } }, "got c_attn. Give other names"],
  ])("with %o", async (options, says) => {
    const given = quick(options);
    await expect(train("caption", captions, given)).rejects.toThrow(says);
    await expect(readdir(given.out)).rejects.toThrow("ENOENT");
  });

  test("over a model that lacks weights of the task, unless they are trained whole", async () => {
    const given = quick({ model: tiny("match") });
    await expect(train("caption", captions, given)).rejects.toMatchObject({ code: "train/lora-base" });
    await expect(readdir(given.out)).rejects.toThrow("ENOENT");
  });

  test("for pre-training", async () => {
    const given = quick({ model: tiny("pretrain-original") });
    await expect(train("pretrain", captions, given)).rejects.toMatchObject({ code: "train/lora-option" });
  });
});
