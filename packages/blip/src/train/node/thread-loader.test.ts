// Threads that are made to die, hang and answer late. Node's threads are the built ones: run `npm run build` first.
import { InputError } from "@blip-ts/base";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { loadSample, type ImagePlan, type SampleRequest } from "../data/load-sample.ts";
import { nodeDecode } from "./decode-source.ts";
import type { ThreadRequest } from "./messages.ts";
import { startSampleThread } from "./start-thread.ts";
import {
  threadLoader,
  type SampleThread,
  type StartSampleThread,
  type ThreadListener,
} from "./thread-loader.ts";

class FakeThreads {
  readonly posted: { thread: number; request: ThreadRequest }[] = [];
  readonly listeners: ThreadListener[] = [];
  readonly terminated: number[] = [];
  readonly alive: boolean[] = [];

  readonly start: StartSampleThread = (listener) => {
    const thread = this.listeners.push(listener) - 1;
    return {
      post: (request) => this.posted.push({ thread, request }),
      keepAlive: (busy) => {
        this.alive[thread] = busy;
      },
      terminate: () => {
        this.terminated.push(thread);
        return Promise.resolve();
      },
    };
  };

  /** The thread's last request. */
  last(thread: number): number {
    const found = this.posted.filter((one) => one.thread === thread && one.request.kind === "load").pop();
    if (found === undefined) throw new Error(`thread ${thread} was asked for nothing`);
    return found.request.id;
  }

  answer(thread: number, value: number): void {
    this.listeners[thread]?.message({ id: this.last(thread), values: Float32Array.of(value) });
  }
}

const request = (number: number): SampleRequest => ({ images: [], epoch: 0, number });
const signal = () => new AbortController().signal;
const numbers = ({ posted }: FakeThreads) =>
  posted.map(({ thread, request: one }) => [thread, one.kind === "load" ? one.request.number : one.kind]);

test("a sample per thread, the others wait, and threads start when they are needed", async () => {
  const threads = new FakeThreads();
  const loader = threadLoader(threads.start, 2);
  expect(threads.listeners).toHaveLength(0);
  const loads = [0, 1, 2].map((number) => loader.load(request(number), signal()));
  expect(numbers(threads)).toEqual([
    [0, 0],
    [1, 1],
  ]);
  threads.answer(1, 11);
  expect(await loads[1]).toEqual(Float32Array.of(11));
  expect(numbers(threads)[2]).toEqual([1, 2]);
  threads.answer(0, 10);
  threads.answer(1, 12);
  expect(await Promise.all(loads)).toEqual([10, 11, 12].map((value) => Float32Array.of(value)));
  expect(threads.alive).toEqual([false, false]);
});

test("a thread that dies is replaced and its sample tried once more", async () => {
  const threads = new FakeThreads();
  const loader = threadLoader(threads.start, 1);
  const [poison, other] = [loader.load(request(7), signal()), loader.load(request(8), signal())];
  const failed = expect(poison).rejects.toMatchObject({
    code: "train-data/worker-died",
    message: expect.stringContaining("out of memory") as string,
  });
  threads.listeners[0]?.died("out of memory");
  expect(numbers(threads)).toEqual([
    [0, 7],
    [1, 7],
  ]);
  threads.listeners[1]?.died("out of memory");
  await failed;
  threads.answer(2, 8);
  expect(await other).toEqual(Float32Array.of(8));
  expect(loader.replaced).toBe(2);
});

test("threads that never answer before they die are not started for ever", async () => {
  const threads = new FakeThreads();
  const loader = threadLoader(threads.start, 1);
  const loads = [0, 1, 2].map((number) =>
    expect(loader.load(request(number), signal())).rejects.toMatchObject({
      code: number === 0 ? "train-data/worker-died" : "train-data/no-workers",
    }),
  );
  for (let death = 0; death < 3; death++) threads.listeners[death]?.died("no such file");
  await Promise.all(loads);
  expect(threads.listeners).toHaveLength(3);
  await expect(loader.load(request(3), signal())).rejects.toMatchObject({ code: "train-data/no-workers" });
});

test("a bad image is an InputError with its code, a fault is none", async () => {
  const threads = new FakeThreads();
  const loader = threadLoader(threads.start, 1);
  const bad = loader.load(request(0), signal());
  const failed = bad.catch((error: unknown) => error);
  threads.listeners[0]?.message({
    id: threads.last(0),
    bad: { type: "input", code: "image/truncated", message: "a.png: cut", fields: { name: "a.png" } },
  });
  expect(await failed).toBeInstanceOf(InputError);
  expect(await failed).toMatchObject({ code: "image/truncated", fields: { name: "a.png" } });
  const fault = loader.load(request(1), signal());
  const failure = fault.catch((error: unknown) => error);
  threads.listeners[0]?.message({ id: threads.last(0), fault: "TypeError: x" });
  expect(await failure).not.toBeInstanceOf(InputError);
});

test("a signal ends what waits and what runs under it, and leaves the rest", async () => {
  const threads = new FakeThreads();
  const loader = threadLoader(threads.start, 1);
  const controller = new AbortController();
  const ended = [0, 1].map((number) =>
    expect(loader.load(request(number), controller.signal)).rejects.toThrow("enough"),
  );
  const kept = loader.load(request(2), signal());
  controller.abort(new Error("enough"));
  await Promise.all(ended);
  expect(numbers(threads)).toEqual([
    [0, 0],
    [0, "cancel"],
  ]);
  // The thread answers late, when nobody waits any more.
  threads.answer(0, 0);
  threads.answer(0, 2);
  expect(await kept).toEqual(Float32Array.of(2));
});

test("closing waits for the sample that runs, and ends the others", async () => {
  const threads = new FakeThreads();
  const loader = threadLoader(threads.start, 1);
  const loads = [0, 1].map((number) =>
    expect(loader.load(request(number), signal())).rejects.toMatchObject({ code: "train-data/closed" }),
  );
  const end = loader.close();
  await Promise.all(loads);
  expect(threads.terminated).toEqual([]);
  threads.answer(0, 0);
  await end;
  expect(threads.terminated).toEqual([0]);
  await expect(loader.load(request(2), signal())).rejects.toMatchObject({ code: "train-data/closed" });
});

test("threads of Node that end in the middle are replaced, and every sample comes", async () => {
  const plan: ImagePlan = {
    pillowOrder: "10",
    seed: 1,
    imageSize: 64,
    augment: false,
    mean: [0.5, 0.5, 0.5],
    std: [0.5, 0.5, 0.5],
  };
  const decode = { alpha: "drop", orientation: "upright", grey16: "scale" } as const;
  const started: SampleThread[] = [];
  const loader = threadLoader((listener) => {
    const thread = startSampleThread({ plan, decode })(listener);
    started.push(thread);
    return thread;
  }, 2);
  const images = fileURLToPath(new URL("../../../../../fixtures/datasets/images", import.meta.url));
  const requests = Array.from({ length: 8 }, (_, number) => ({
    images: [{ kind: "path", root: images, path: `${number % 4}.png` } as const],
    epoch: 0,
    number,
  }));
  const loads = requests.map((one) => loader.load(one, signal()));
  await started[0]?.terminate();
  await loads[5];
  await started[1]?.terminate();
  const expected = await Promise.all(requests.map((one) => loadSample(one, plan, nodeDecode(decode))));
  expect(await Promise.all(loads)).toEqual(expected);
  expect(loader.replaced).toBeGreaterThanOrEqual(1);
  await loader.close();
});
