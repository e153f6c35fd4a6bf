// Steps of an adapter over the tiny captioner against PEFT's (oracle/train/lora_steps.py), and refused settings.
import { readFile } from "node:fs/promises";
import { memorySource, readSafetensors, readTensorBytes, type StoredTensor } from "@blip-ts/checkpoint";
import { evaluate, floatTensor, type Tensor } from "@blip-ts/graph";
import { beforeAll, describe, expect, test } from "vitest";
import { captioner, modelName, type Captioner, type Captions } from "../../../test/support/captioner.ts";
import { fixture } from "../../../test/support/goldens.ts";
import { batchOf, difference, openTrainer, some, weightsOf } from "../../../test/support/trainers.ts";
import type { ComposedObjective } from "../objectives/index.ts";
import { planTraining } from "../step/plan.ts";
import { resolveLora, type LoraOptions } from "./settings.ts";
import { withLora } from "./with-lora.ts";

interface Facts {
  readonly lora: {
    readonly r: number;
    readonly lora_alpha: number;
    readonly target_modules: readonly string[];
    readonly modules_to_save: readonly string[];
  };
  readonly losses: readonly number[];
  readonly norms: readonly number[];
}

let tiny: Captioner;
let facts: Facts;
let tensors: ReadonlyMap<string, StoredTensor>;
beforeAll(async () => {
  tiny = await captioner();
  facts = JSON.parse(await readFile(fixture("train/lora.json"), "utf8")) as Facts;
  const bytes = new Uint8Array(await readFile(fixture("train/lora.safetensors")));
  ({ tensors } = await readSafetensors(memorySource("lora", bytes)));
});

const named = (what: string) =>
  [...tensors].flatMap(([name, tensor]) =>
    name.startsWith(`${what} `) ? [[modelName(name.slice(what.length + 1)), tensor] as const] : [],
  );
async function golden(what: string): Promise<Map<string, Float32Array>> {
  const found = new Map<string, Float32Array>();
  for (const [name, tensor] of named(what))
    found.set(name, new Float32Array((await readTensorBytes(tensor)).slice().buffer));
  return found;
}

const composed = (of: Captioner): ComposedObjective<Captions> => ({
  ...of.objective,
  ...{ bounds: {}, isThrownAway: () => false },
});
const adapted = (options: Partial<LoraOptions> = {}, of = tiny) => {
  const { r: rank, lora_alpha: alpha, target_modules: targets, modules_to_save: modulesToSave } = facts.lora;
  return withLora(composed(of), resolveLora({ rank, alpha, targets, modulesToSave, ...options }));
};
const open = ({ objective, frozen }: ReturnType<typeof adapted>) =>
  openTrainer(tiny, { objective, frozen, weights: new Map([...tiny.weights, ...named("begin")]) });

test("10 steps have PEFT's losses, norms and weights, and only the adapter's are parameters", async () => {
  const lora = adapted();
  await using trainer = await open(lora);
  const names = trainer.plan.parameters.map(({ name }) => name).sort();
  expect(names).toEqual([...(await golden("begin")).keys()].sort());
  expect([...lora.parts.matrices.map(({ name }) => name), ...lora.parts.saved].sort()).toEqual(names);
  for (const [step, loss] of facts.losses.entries()) {
    const found = await trainer.step(batchOf(tiny, step));
    expect(Math.abs(found.loss / loss - 1), `step ${step}`).toBeLessThan(1e-5);
    expect(Math.abs(found.norm / some(facts.norms[step]) - 1), `step ${step}`).toBeLessThan(1e-4);
    if (step !== 0 && step !== 9) continue;
    const off = difference(await weightsOf(trainer), await golden(`step ${step + 1}`));
    expect(off).toBeLessThan(step === 0 ? 1e-5 : 1e-4);
  }
});

test("gradients are PEFT's", async () => {
  const { objective, frozen } = adapted();
  const { graph, gradients } = planTraining(objective, { frozen });
  const context = { step: 0, part: 0, seed: 0, run: () => Promise.resolve({}) };
  const weights = new Map<string, Tensor<"float32">>();
  for (const [name, tensor] of [...tiny.weights, ...named("begin")])
    weights.set(
      name,
      floatTensor(tensor.shape, new Float32Array((await readTensorBytes(tensor)).slice().buffer)),
    );
  const feeds = { ...(await objective.inputs(batchOf(tiny, 0), context)), ...Object.fromEntries(weights) };
  const found = evaluate(graph, feeds, (name) => some(weights.get(name)));
  const made = new Map(
    gradients.map(({ name, dense = "" }) => [name, Float32Array.from(some(found[dense]).data)]),
  );
  const expected = await golden("gradient");
  expect([...made.keys()].sort()).toEqual([...expected.keys()].sort());
  for (const [name, values] of expected)
    expect(difference(made, new Map([[name, values]])), name).toBeLessThan(1e-4);
});

describe("the plan", () => {
  test("momentum encoders share what is frozen and follow what is trained", async () => {
    const following = await captioner(true);
    const { objective, frozen } = adapted({}, following);
    const { parameters, still } = planTraining(objective, { frozen });
    const followers = parameters.flatMap(({ name, role }) =>
      role.kind === "follower" ? [[name, role.of]] : [],
    );
    expect(followers.length).toBe(parameters.length / 2);
    for (const [name, of] of followers) expect(name).toBe(`momentum.${of ?? ""}`);
    expect(still.some((name) => name.startsWith("momentum."))).toBe(false);
  });

  test("without modules to save or with other targets has other parameters", () => {
    const names = (options: Partial<LoraOptions>) => {
      const { objective, frozen } = adapted(options);
      return planTraining(objective, { frozen }).parameters.map(({ name }) => name);
    };
    const queries = names({ targets: ["crossattention.self.query"], modulesToSave: [] });
    expect(queries).toHaveLength(4);
    expect(queries.every((name) => /crossattention\.self\.query\.lora_[AB]\.weight$/.test(name))).toBe(true);
    const first = names({
      targets: ["text_decoder.bert.encoder.layer.0.attention.self.value"],
      modulesToSave: [],
    });
    expect(first).toHaveLength(2);
  });
});

test("dropout draws masks from the step's seed, and is the same for the same seed", async () => {
  const { objective } = adapted({ dropout: 0.5 });
  const context = (seed: number) => ({ step: 0, part: 0, seed, run: () => Promise.resolve({}) });
  const masks = async (seed: number) => {
    const feeds = await objective.inputs(batchOf(tiny, 0), context(seed));
    return Object.entries(feeds).filter(([name]) => name.startsWith("keep lora "));
  };
  const [one, again, two] = [await masks(1), await masks(1), await masks(2)];
  // 2 layers of 8 products, and the product of the LM head.
  expect(one).toHaveLength(2 * 8 + 1);
  expect(again).toEqual(one);
  expect(two).not.toEqual(one);
  const share = one.flatMap(([, { data }]) => Array.from(data, Number));
  expect(share.reduce((sum, value) => sum + value, 0) / share.length).toBeCloseTo(0.5, 1);
});

test.each<[Partial<LoraOptions>, string, string]>([
  [{ rank: 0 }, "usage/bad-option", "lora.rank: expected a whole number from 1"],
  [{ rank: 1.5 }, "usage/bad-option", "lora.rank"],
  [{ alpha: 0 }, "usage/bad-option", "lora.alpha: expected a number above 0"],
  [{ dropout: 1 }, "usage/bad-option", "lora.dropout: expected a number from 0 to below 1"],
  [{ targets: [] }, "usage/bad-option", "lora.targets: expected at least one name"],
  [{ targets: ["q.*"] }, "usage/bad-option", "lora.targets: expected names of modules"],
  [{ targets: ["q_proj"] }, "train/lora-target", "(decoder, dense, key, query, value), got q_proj"],
  [{ modulesToSave: ["pooler"] }, "train/lora-module", "expected names of modules"],
  [{ modulesToSave: ["embeddings"] }, "train/lora-module", "share it"],
])("the setting %o is refused", (options, code, says) => {
  const make = () => adapted(options);
  expect(make).toThrow(says);
  expect(make).toThrow(expect.objectContaining({ code }) as Error);
});
