// Saved states, and trainings that continue from them with the same numbers, bit for bit.
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { floatTensor, int64Tensor, type Tensor } from "@blip-ts/graph";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { captioner, type Captioner, type Captions } from "../../../test/support/captioner.ts";
import { batchOf, difference, openTrainer, some, weightsOf } from "../../../test/support/trainers.ts";
import type { Objective } from "../objective.ts";
import type { Trainer } from "./trainer.ts";

let tiny: Captioner;
let root = "";
let folder = "";
let count = 0;
beforeAll(async () => {
  tiny = await captioner(true);
  root = await mkdtemp(join(tmpdir(), "trainer-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));
beforeEach(() => {
  folder = join(root, `run-${count++}`);
});

async function steps(trainer: Trainer<Captions>, from: number, to: number): Promise<number[]> {
  const losses: number[] = [];
  for (let step = from; step < to; step++) losses.push((await trainer.step(batchOf(tiny, step))).loss);
  return losses;
}

/** An objective with its own state, and batches that depend on the seed. */
function remembering(): Objective<Captions> & { readonly seeds: number[] } {
  let queue = 0;
  const seeds: number[] = [];
  return {
    ...tiny.objective,
    seeds,
    inputs: async (batch, context) => {
      seeds.push(context.seed);
      const feeds = await tiny.objective.inputs(batch, context);
      const states = some(feeds.encoder_hidden_states);
      if (states.dtype !== "float32") throw new Error("states are float32");
      const moved = states.data.map((value) => value + (context.seed % 100) / 1000 + queue / 50);
      return { ...feeds, encoder_hidden_states: { ...states, data: moved } };
    },
    after: () => {
      queue++;
    },
    state: (): Record<string, Tensor> => ({
      queue: floatTensor([1], [queue]),
      rows: int64Tensor([2], [queue, 2 ** 40]),
    }),
    restore: (state) => {
      queue = Number(some(state.queue).data[0]);
      expect(state.rows).toEqual(int64Tensor([2], [queue, 2 ** 40]));
    },
  };
}

test("a resumed training ends with the numbers of an unbroken one, bit for bit", async () => {
  await using unbroken = await openTrainer(tiny, { objective: remembering(), seed: 7 });
  const expected = await steps(unbroken, 0, 6);
  {
    await using first = await openTrainer(tiny, { objective: remembering(), seed: 7 });
    expect(await steps(first, 0, 3)).toEqual(expected.slice(0, 3));
    await first.save(folder, { position: { epoch: 1, next: [4, 5] } });
  }
  const objective = remembering();
  // The state's seed replaces its own.
  await using second = await openTrainer(tiny, { objective, seed: 1 });
  expect(await second.resume(folder)).toEqual({ epoch: 1, next: [4, 5] });
  expect(second.steps).toBe(3);
  expect(await steps(second, 3, 6)).toEqual(expected.slice(3));
  expect(await weightsOf(second)).toEqual(await weightsOf(unbroken));
  expect(new Set(objective.seeds).size).toBe(3);
});

test("a state that is saved after a step that failed moves no average twice", async () => {
  await using unbroken = await openTrainer(tiny);
  await steps(unbroken, 0, 3);
  {
    await using first = await openTrainer(tiny);
    await steps(first, 0, 2);
    const batch = batchOf(tiny, 2);
    const states = batch.states.map((row) => row.map(() => NaN));
    await expect(first.step({ ...batch, states })).rejects.toMatchObject({ code: "train/not-finite" });
    await first.save(folder);
  }
  await using second = await openTrainer(tiny);
  await second.resume(folder);
  await steps(second, 2, 3);
  expect(await weightsOf(second)).toEqual(await weightsOf(unbroken));
});

describe("a state is refused", () => {
  beforeEach(async () => {
    await using trainer = await openTrainer(tiny);
    await steps(trainer, 0, 1);
    await trainer.save(folder);
  });

  test("if it is of another objective or model, and nothing is changed", async () => {
    await using other = await openTrainer(tiny, { objective: { ...tiny.objective, name: "answer" } });
    const before = await weightsOf(other);
    await expect(other.resume(folder)).rejects.toMatchObject({
      code: "train/state",
      message: expect.stringContaining("objective: expected answer, got caption") as string,
    });
    expect(await weightsOf(other)).toEqual(before);
    const plain = await captioner();
    await using without = await openTrainer(plain);
    await expect(without.resume(folder)).rejects.toMatchObject({
      code: "train/state",
      message: expect.stringMatching(/weight momentum\.\S+: expected no such tensor/) as string,
    });
    await using frozen = await openTrainer(tiny, { frozen: ({ name }) => name.includes("crossattention") });
    await expect(frozen.resume(folder)).rejects.toMatchObject({ code: "train/state" });
    expect(frozen.steps).toBe(0);
  });
});

describe("a call that is stopped", () => {
  test("is rejected at once, and its step does not count", async () => {
    await using trainer = await openTrainer(tiny);
    await steps(trainer, 0, 1);
    const before = await weightsOf(trainer);
    const stop = new AbortController();
    const step = trainer.step(batchOf(tiny, 1), { signal: stop.signal });
    stop.abort(new Error("enough"));
    await expect(step).rejects.toThrow("enough");
    expect(difference(await weightsOf(trainer), before, (name) => !name.startsWith("momentum."))).toBe(0);
    expect(trainer.steps).toBe(1);
    await expect(
      trainer.step(batchOf(tiny, 1), { signal: AbortSignal.abort(new Error("never")) }),
    ).rejects.toThrow("never");
    expect(
      Math.abs((await trainer.step(batchOf(tiny, 1))).loss / some(tiny.facts.losses[1]) - 1),
    ).toBeLessThan(1e-5);
  });

  test("makes no trainer", async () => {
    await expect(openTrainer(tiny, { signal: AbortSignal.abort(new Error("never")) })).rejects.toThrow(
      "never",
    );
  });

  test("leaves the states that were there", async () => {
    await using trainer = await openTrainer(tiny);
    await trainer.save(folder);
    await steps(trainer, 0, 1);
    await expect(trainer.save(folder, { signal: AbortSignal.abort(new Error("never")) })).rejects.toThrow(
      "never",
    );
    expect((await readdir(folder)).sort()).toEqual(["step-0", "training.json"]);
  });
});

test("a trainer that is closed takes no calls, and closing waits for the step", async () => {
  const trainer = await openTrainer(tiny);
  const step = trainer.step(batchOf(tiny, 0));
  await Promise.all([trainer.close(), trainer.close()]);
  expect((await step).step).toBe(0);
  await expect(trainer.step(batchOf(tiny, 1))).rejects.toMatchObject({ code: "usage/disposed" });
  await expect(trainer.save(folder)).rejects.toMatchObject({ code: "usage/disposed" });
  await expect(trainer.resume(folder)).rejects.toMatchObject({ code: "usage/disposed" });
});
