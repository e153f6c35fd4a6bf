// Training steps of a tiny captioner against PyTorch's (oracle/train/step_goldens.py).
import { memorySource, type StoredTensor } from "@blip-ts/checkpoint";
import { GraphBuilder, type Tensor } from "@blip-ts/graph";
import { beforeAll, describe, expect, test } from "vitest";
import { captioner, rowsOfBatch, type Captioner, type Captions } from "../../../test/support/captioner.ts";
import {
  batchOf,
  difference,
  isKeyBias,
  openTrainer,
  some,
  weightsOf,
  type CaptionerOptions,
} from "../../../test/support/trainers.ts";
import { frozenParts } from "../optimizer/groups.ts";

const oneNumber: StoredTensor = {
  ...{ name: "w", dtype: "float32", shape: [1], offset: 0, byteLength: 4 },
  source: memorySource("w", new Uint8Array(Float32Array.of(1).buffer)),
};

let tiny: Captioner;
beforeAll(async () => {
  tiny = await captioner();
});

/** Some steps on the oracle's batches. */
async function trained(options: CaptionerOptions, steps: number, of = tiny) {
  await using trainer = await openTrainer(of, options);
  const losses: number[] = [];
  for (let step = 0; step < steps; step++) losses.push((await trainer.step(batchOf(of, step))).loss);
  return { losses, weights: await weightsOf(trainer), handOver: trainer.handOver, plan: trainer.plan };
}

test("20 steps, with clipping and decay, have PyTorch's losses, norms and weights", async () => {
  await using trainer = await openTrainer(tiny);
  for (const [step, loss] of tiny.facts.losses.entries()) {
    const found = await trainer.step(batchOf(tiny, step));
    expect(Math.abs(found.loss / loss - 1), `step ${step}`).toBeLessThan(1e-5);
    expect(Math.abs(found.norm / some(tiny.facts.norms[step]) - 1), `step ${step}`).toBeLessThan(1e-4);
    expect(found).toMatchObject({ step, lr: 1e-3 });
    if (step !== 0 && step !== 9) continue;
    const golden = await tiny.golden(`step ${step + 1}`);
    expect(golden.size).toBe(trainer.plan.parameters.length);
    const off = difference(await weightsOf(trainer), golden, (name) => !isKeyBias(name));
    expect(off).toBeLessThan(step === 0 ? 1e-5 : 1e-4);
  }
  expect(tiny.facts.norms.some((norm) => norm > tiny.facts.settings.clip)).toBe(true);
  expect(trainer.steps).toBe(20);
});

test("gradients of 4 batches of 2 add up to those of one batch of 8", async () => {
  await using whole = await openTrainer(tiny);
  await using parts = await openTrainer(tiny, { accumulate: true });
  for (const step of [0, 1]) {
    const batch = batchOf(tiny, step);
    const one = await whole.step(batch);
    const four = await parts.stepOver([0, 2, 4, 6].map((row) => rowsOfBatch(batch, row, row + 2)));
    expect(Math.abs(four.loss / one.loss - 1)).toBeLessThan(1e-5);
    expect(Math.abs(four.norm / one.norm - 1)).toBeLessThan(1e-5);
    expect(four.outputs).toHaveLength(4);
  }
  const [found, expected] = [await weightsOf(parts), await weightsOf(whole)];
  expect(difference(found, expected, (name) => !isKeyBias(name))).toBeLessThan(1e-5);
  // One of the four counts more tokens than another, so equal shares would be wrong.
  const counts = [0, 2, 4, 6].map((row) =>
    tiny.objective.weight?.(rowsOfBatch(batchOf(tiny, 0), row, row + 2)),
  );
  expect(new Set(counts).size).toBeGreaterThan(1);
  // A single batch needs no sum, and ignores one that is left over.
  const alone = await parts.step(batchOf(tiny, 2));
  expect(Math.abs(alone.norm / (await whole.step(batchOf(tiny, 2))).norm - 1)).toBeLessThan(1e-5);
});

test("measuring a batch changes nothing: steps go on with the same numbers", async () => {
  const following = await captioner(true);
  const accumulate = true;
  const plain = await trained({ accumulate }, 3, following);
  await using trainer = await openTrainer(following, { accumulate });
  const losses: number[] = [];
  for (let step = 0; step < 3; step++) {
    expect(await trainer.measure(batchOf(following, 5))).toBeGreaterThanOrEqual(0);
    expect(trainer.steps).toBe(step);
    losses.push((await trainer.step(batchOf(following, step))).loss);
  }
  expect(losses).toEqual(plain.losses);
  expect(await weightsOf(trainer)).toEqual(plain.weights);
  const stopped = AbortSignal.abort(new Error("stopped"));
  await expect(trainer.measure(batchOf(following, 0), { signal: stopped })).rejects.toThrow("stopped");
});

test("a trainer that does not accumulate takes one batch a step", async () => {
  await using trainer = await openTrainer(tiny);
  const batch = batchOf(tiny, 0);
  await expect(trainer.stepOver([batch, batch])).rejects.toMatchObject({ code: "train/parts" });
  await expect(trainer.stepOver([])).rejects.toMatchObject({ code: "train/parts" });
});

test("followers are torch's moving averages", async () => {
  const following = await captioner(true);
  const { weights } = await trained({}, 20, following);
  const golden = await following.golden("follower");
  const followers = new Map([...golden].map(([name, values]) => [`momentum.${name}`, values]));
  expect(difference(weights, followers, (name) => !isKeyBias(name))).toBeLessThan(1e-5);
  expect(difference(weights, followers)).toBeGreaterThan(0);
  // They differ from the weights themselves.
  expect(difference(weights, golden)).toBeGreaterThan(1e-3);
});

describe("gradients are handed over", () => {
  test.each(["preallocated", "fresh"] as const)("with the same numbers: %s", async (handOver) => {
    const [fastest, other] = [await trained({}, 4), await trained({ handOver }, 4)];
    expect([fastest.handOver, other.handOver]).toEqual(["sequence", handOver]);
    expect(other.losses).toEqual(fastest.losses);
    expect(other.weights).toEqual(fastest.weights);
  });
});

test("layers that are computed again give the same numbers", async () => {
  const [plain, again] = [await trained({}, 4), await trained({ recompute: true }, 4)];
  expect(again.plan.graph.nodes.some(({ kind }) => kind === "barrier")).toBe(true);
  expect(again.losses[0]).toBe(plain.losses[0]);
  // Parts of a gradient may be added in another order.
  again.losses.forEach((loss, step) =>
    expect(Math.abs(loss / some(plain.losses[step]) - 1)).toBeLessThan(1e-6),
  );
  expect(difference(again.weights, plain.weights, (name) => !isKeyBias(name))).toBeLessThan(1e-5);
});

test("the number of threads changes no number, also where an id comes several times", async () => {
  const ids = batchOf(tiny, 0).ids.flat();
  expect(new Set(ids).size).toBeLessThan(ids.length);
  const [one, two] = [await trained({ threads: 1 }, 4), await trained({ threads: 2 }, 4)];
  expect(two.weights).toEqual(one.weights);
});

test("frozen weights stay in the graph, and the others are trained as if they were alone", async () => {
  const frozen = frozenParts.allButCrossAttention;
  const { weights, losses, plan } = await trained({ frozen }, 3);
  expect([...weights.keys()].every((name) => name.includes(".crossattention."))).toBe(true);
  expect(plan.still).toContain("text_decoder.bert.embeddings.word_embeddings.weight");
  expect(losses[0]).toBeCloseTo(some(tiny.facts.losses[0]), 5);
  expect(losses[1]).not.toBeCloseTo(some(tiny.facts.losses[1]), 5);
  const begin = new Map(
    [...(await tiny.golden("begin"))].filter(([name]) => name.includes(".crossattention.")),
  );
  expect([...weights.keys()].sort()).toEqual([...begin.keys()].sort());
  for (const [name, values] of begin) expect(weights.get(name), name).not.toEqual(values);
});

test("what is frozen altogether is refused", async () => {
  await expect(openTrainer(tiny, { frozen: () => true })).rejects.toMatchObject({ code: "train/frozen" });
});

test("groups have a decay and a rate of their own", async () => {
  const schedule = { kind: "constant", lr: 1e-3 } as const;
  const isBias = (name: string) => name.endsWith("bias");
  const apart = {
    schedule,
    decay: 0.05,
    groups: [{ matches: ({ name }: { name: string }) => isBias(name), lrScale: 0 }],
  };
  const { weights } = await trained({ optimizer: apart }, 2);
  const plain = await trained({ optimizer: { schedule, decay: 0.05 } }, 1);
  const first = await trained({ optimizer: apart }, 1);
  const begin = await tiny.golden("begin");
  for (const [name, values] of begin)
    if (isBias(name)) expect(weights.get(name), name).toEqual(values);
    else expect(first.weights.get(name), name).toEqual(plain.weights.get(name));
});

describe("a batch whose loss is no number", () => {
  const broken = (batch: Captions): Captions => ({
    ...batch,
    states: batch.states.map((row) => row.map(() => NaN)),
  });

  test("stops the step with a report, and the weights are those before", async () => {
    await using trainer = await openTrainer(tiny);
    await trainer.step(batchOf(tiny, 0));
    const before = await weightsOf(trainer);
    await expect(trainer.step(broken(batchOf(tiny, 1)))).rejects.toMatchObject({
      code: "train/not-finite",
      fields: { step: 1, part: 0, loss: NaN },
      message: expect.stringContaining("step 1, batch 0: expected a finite loss") as string,
    });
    expect(await weightsOf(trainer)).toEqual(before);
    // The moments are unchanged too: the next step is the same as without the failed one.
    const { loss } = await trainer.step(batchOf(tiny, 1));
    expect(Math.abs(loss / some(tiny.facts.losses[1]) - 1)).toBeLessThan(1e-5);
    await trainer.step(batchOf(tiny, 2));
    expect((await trainer.step(batchOf(tiny, 3))).loss).toBeCloseTo(some(tiny.facts.losses[3]), 4);
  });

  test("is found also where only the gradients are none", async () => {
    // x / sqrt(x) at 0: the gradient is 0 * Infinity, which is NaN, but the loss is finite.
    const b = GraphBuilder.create("root");
    const x = b.input("x", "float32", [1]);
    b.output("loss", b.sum(b.sqrt(b.multiply(x, b.weight("w", [1]))), [0]));
    await using trainer = await openTrainer(tiny, {
      objective: {
        name: "root",
        graph: { graph: b.build(), loss: "loss" },
        inputs: ({ states }): Record<string, Tensor> => ({
          x: { dtype: "float32", dims: [1], data: Float32Array.of(states.length === 0 ? 0 : 1) },
        }),
      },
      weights: new Map([["w", oneNumber]]),
    });
    const none: Captions = { ids: [], labels: [], mask: [], counted: [], states: [] };
    await expect(trainer.step(none)).rejects.toMatchObject({
      code: "train/not-finite",
      fields: { step: 0, loss: 0, norm: NaN },
    });
  });
});
