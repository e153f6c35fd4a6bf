// Threads of the engine that end while a model is used, as they do without memory: the calls that they had fail by name, and
// the next ones work.
import { Worker } from "node:worker_threads";
import { afterEach, expect, test, vi } from "vitest";
import { nodePlatform } from "../src/platform/node/node-platform.ts";
import { ConditionalGeneration } from "../src/classes/conditional-generation.ts";
import { ImageTextRetrieval } from "../src/classes/image-text-retrieval.ts";
import { fixture } from "./support/goldens.ts";

const started = vi.hoisted(() => new Set<{ terminate(): Promise<number> }>());
vi.mock("node:worker_threads", async (original) => {
  const real = await original<{ Worker: typeof Worker }>();
  class Watched extends real.Worker {
    constructor(...given: ConstructorParameters<typeof Worker>) {
      super(...given);
      started.add(this);
    }
  }
  return { ...real, Worker: Watched };
});

afterEach(() => started.clear());

/** Ends all threads that were started, in whatever they are. */
const endThreads = () => Promise.all([...started].map((thread) => thread.terminate()));

const quiet = { onWarning: () => undefined };
const ended = { code: "model/engine-ended", message: expect.stringContaining("call again") as string };
const pixels = (side: number) => ({
  ...{ dtype: "float32" as const, dims: [1, 3, side, side] },
  data: new Float32Array(3 * side * side).fill(0.5),
});
const inputIds = { dtype: "int64" as const, dims: [1, 3], data: BigInt64Array.of(2n, 30n, 3n) };

test("a matcher's threads are replaced", async () => {
  await using model = await ImageTextRetrieval.load(nodePlatform, fixture("tiny/match"), quiet);
  const score = async () =>
    (await model.forward({ pixelValues: pixels(model.loaded.imageSize), inputIds })).itmScore.data;
  const before = await score();
  expect(started.size).toBeGreaterThan(0);
  const outcomes = Promise.allSettled(Array.from({ length: 8 }, score));
  await endThreads();
  // Those that were over before are right; the others say what happened.
  for (const outcome of await outcomes) {
    if (outcome.status === "fulfilled") expect(outcome.value).toEqual(before);
    else expect(outcome.reason).toMatchObject(ended);
  }
  expect(await score()).toEqual(before);
  // Of threads that end while nobody asks anything, nobody hears.
  await endThreads();
  expect(await score()).toEqual(before);
});

test("a captioner's threads are replaced, with what they kept between steps", async () => {
  await using model = await ConditionalGeneration.load(nodePlatform, fixture("tiny/caption"), quiet);
  const caption = async () =>
    (await model.generate({ pixelValues: pixels(model.loaded.imageSize) }))[0]?.[0]?.tokens;
  const before = await caption();
  const outcomes = Promise.allSettled([caption()]);
  await endThreads();
  for (const outcome of await outcomes)
    if (outcome.status === "rejected") expect(outcome.reason).toMatchObject(ended);
  expect(await caption()).toEqual(before);
});
