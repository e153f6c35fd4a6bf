// The queue with a clock and a worker under the tests' control: window, limit, turns, cancellation, failures.
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { held, pass } from "../../test/support/held-batches.ts";
import { FairQueue } from "./fair-queue.ts";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

describe("requests", () => {
  test("that arrive within the window run together, in order", async () => {
    const { batcher, batches, run } = held({ window: 5 });
    const answers = [batcher.submit("a", "x")];
    await pass(4);
    answers.push(batcher.submit("b", "x"), batcher.submit("c", "x"));
    expect(run()).toEqual([]);
    await pass(1);
    expect(run()).toEqual(["a b c"]);
    await batches[0]?.finish();
    expect(await Promise.all(answers)).toEqual(["A", "B", "C"]);
    // The next request has a window of its own.
    const next = batcher.submit("d", "x");
    await pass(4);
    expect(run()).toHaveLength(1);
    await pass(1);
    await batches[1]?.finish();
    expect(await next).toBe("D");
  });

  test("that fill a batch do not wait, and those that came meanwhile follow at once", async () => {
    const { batcher, batches, run } = held({ window: 1000, maxBatch: 2 });
    const answers = ["a", "b", "c", "d", "e"].map((request) => batcher.submit(request, "x"));
    expect(run()).toEqual(["a b"]);
    await batches[0]?.finish();
    expect(run()).toEqual(["a b", "c d"]);
    await batches[1]?.finish();
    // One request is no full batch: it waits for its window.
    expect(run()).toHaveLength(2);
    await pass(1000);
    await batches[2]?.finish();
    expect(await Promise.all(answers)).toEqual(["A", "B", "C", "D", "E"]);
  });

  test("of other groups are not run together", async () => {
    const { batcher, batches, run } = held();
    const answers = [
      batcher.submit("a", "x"),
      batcher.submit("b", "y"),
      batcher.submit("c", "x"),
      batcher.submit("d", "y"),
    ];
    await pass(5);
    expect(run()).toEqual(["a c"]);
    await batches[0]?.finish();
    expect(run()).toEqual(["a c", "b d"]);
    expect(batches.map(({ group }) => group)).toEqual(["x", "y"]);
    await batches[1]?.finish();
    expect(await Promise.all(answers)).toEqual(["A", "B", "C", "D"]);
  });

  test("are told of as their batch begins", async () => {
    const onBatch = vi.fn();
    const { batcher, batches } = held({ maxBatch: 2, onBatch });
    const answers = ["a", "b", "c"].map((request) => batcher.submit(request, "x"));
    expect(onBatch.mock.calls).toEqual([[{ group: "x", requests: 2, waiting: 0 }]]);
    expect(batcher.waiting).toBe(1);
    await batches[0]?.finish();
    await pass(5);
    await batches[1]?.finish();
    await Promise.all(answers);
    expect(onBatch.mock.lastCall).toEqual([{ group: "x", requests: 1, waiting: 0 }]);
  });
});

describe("callers", () => {
  test("take turns: who asks once does not wait for who asked a thousand times", async () => {
    const { batcher, batches, run } = held({ maxBatch: 4, maxQueue: 2000 });
    const many = Array.from({ length: 1000 }, (_, index) =>
      batcher.submit(`a${index}`, "x", { caller: "a" }).catch(() => undefined),
    );
    const one = batcher.submit("b", "x", { caller: "b" });
    const two = [batcher.submit("c0", "x", { caller: "c" }), batcher.submit("c1", "x", { caller: "c" })];
    // The first batch started when it was full, before the others came.
    expect(run()).toEqual(["a0 a1 a2 a3"]);
    await batches[0]?.finish();
    await batches[1]?.finish();
    expect(run().slice(1)).toEqual(["a4 b c0 a5", "c1 a6 a7 a8"]);
    await batches[2]?.finish();
    expect(await Promise.all([one, ...two])).toEqual(["B", "C0", "C1"]);
    const end = batcher.close({ waiting: "reject" });
    await batches[3]?.finish();
    await end;
    await Promise.all(many);
  });

  test("keep the order of their own requests, and their turn where another's group runs", async () => {
    const { batcher, batches, run } = held({ maxBatch: 2 });
    const answers = [
      batcher.submit("a0", "x", { caller: "a" }),
      batcher.submit("a1", "x", { caller: "a" }),
      batcher.submit("b0", "y", { caller: "b" }),
      batcher.submit("a2", "x", { caller: "a" }),
      batcher.submit("a3", "x", { caller: "a" }),
    ];
    await batches[0]?.finish();
    await batches[1]?.finish();
    await pass(5);
    await batches[2]?.finish();
    expect(run()).toEqual(["a0 a1", "b0", "a2 a3"]);
    await Promise.all(answers);
  });
});

describe("a full queue", () => {
  test("rejects, saying how long it is, and has room again", async () => {
    const { batcher, batches } = held({ maxQueue: 2, maxBatch: 2, window: 5 });
    const answers = ["a", "b", "c", "d"].map((request) => batcher.submit(request, "x"));
    // Two run, two wait.
    await expect(batcher.submit("e", "x")).rejects.toMatchObject({
      code: "batch/full",
      fields: { waiting: 2, limit: 2 },
    });
    await batches[0]?.finish();
    answers.push(batcher.submit("e", "x"));
    await batches[1]?.finish();
    await pass(5);
    await batches[2]?.finish();
    expect(await Promise.all(answers)).toEqual(["A", "B", "C", "D", "E"]);
  });

  test("lets those who wait in, callers in turn", async () => {
    const { batcher, batches, run } = held({ maxQueue: 1, maxBatch: 1 });
    const wait = (request: string, caller: string) =>
      batcher.submit(request, "x", { caller, whenFull: "wait" });
    const answers = [wait("a0", "a"), wait("a1", "a"), wait("a2", "a"), wait("a3", "a"), wait("b0", "b")];
    expect(batcher.waiting).toBe(4);
    for (let batch = 0; batch < 5; batch++) await batches[batch]?.finish();
    // a1 had the place in the queue; among those outside, a2 was first, then it was b's turn.
    expect(run()).toEqual(["a0", "a1", "a2", "b0", "a3"]);
    expect(await Promise.all(answers)).toEqual(["A0", "A1", "A2", "A3", "B0"]);
  });
});

describe("a request that is taken back", () => {
  const reason = new Error("gone");

  test("leaves the queue at once", async () => {
    const { batcher, batches, run } = held({ maxQueue: 2 });
    const controller = new AbortController();
    const kept = batcher.submit("a", "x");
    const taken = batcher.submit("b", "x", { signal: controller.signal });
    const outside = batcher.submit("c", "x", { whenFull: "wait" });
    controller.abort(reason);
    await expect(taken).rejects.toBe(reason);
    // There is room for the request that waited outside.
    await pass(5);
    expect(run()).toEqual(["a c"]);
    await batches[0]?.finish();
    expect(await Promise.all([kept, outside])).toEqual(["A", "C"]);
  });

  test("while it waits for room", async () => {
    const { batcher, batches } = held({ maxQueue: 1 });
    const controller = new AbortController();
    const kept = batcher.submit("a", "x");
    const taken = batcher.submit("b", "x", { signal: controller.signal, whenFull: "wait" });
    controller.abort(reason);
    await expect(taken).rejects.toBe(reason);
    expect(batcher.waiting).toBe(1);
    await pass(5);
    await batches[0]?.finish();
    expect(await kept).toBe("A");
  });

  test("while it runs does not stop the others; when nobody waits, the batch is stopped", async () => {
    const { batcher, batches } = held();
    const [first, second] = [new AbortController(), new AbortController()];
    const answers = [
      batcher.submit("a", "x", { signal: first.signal }),
      batcher.submit("b", "x", { signal: second.signal }),
    ];
    for (const answer of answers) answer.catch(() => undefined);
    await pass(5);
    first.abort(reason);
    await expect(answers[0]).rejects.toBe(reason);
    expect(batches[0]?.signal.aborted).toBe(false);
    second.abort(reason);
    await expect(answers[1]).rejects.toBe(reason);
    expect(batches[0]?.signal.aborted).toBe(true);
    // The next batch does not start before the stopped one is over.
    const next = batcher.submit("c", "x");
    await pass(5);
    expect(batches).toHaveLength(1);
    await batches[0]?.fail(reason);
    await batches[1]?.finish();
    expect(await next).toBe("C");
  });

  test("of many that share a signal needs one listener, and none when they are over", async () => {
    const { batcher, batches } = held({ window: 0, maxBatch: 30 });
    const controller = new AbortController();
    const { signal } = controller;
    const [add, remove] = [vi.spyOn(signal, "addEventListener"), vi.spyOn(signal, "removeEventListener")];
    const answers = Array.from({ length: 30 }, (_, index) => batcher.submit(`r${index}`, "x", { signal }));
    expect(add).toHaveBeenCalledTimes(1);
    await batches[0]?.finish();
    await Promise.all(answers);
    expect(remove).toHaveBeenCalledTimes(1);
    const more = Array.from({ length: 3 }, () => batcher.submit("more", "x", { signal }));
    controller.abort(new Error("gone"));
    expect((await Promise.allSettled(more)).map(({ status }) => status)).toEqual(Array(3).fill("rejected"));
    expect(batcher.waiting).toBe(0);
  });

  test("before it is made never waits", async () => {
    const { batcher } = held();
    await expect(batcher.submit("a", "x", { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(batcher.waiting).toBe(0);
  });
});

describe("what fails", () => {
  test("fails alone where it has an error of its own", async () => {
    const { batcher, batches } = held();
    const answers = Promise.allSettled(
      ["a", "bad picture", "c"].map((request) => batcher.submit(request, "x")),
    );
    await pass(5);
    await batches[0]?.finish();
    expect(
      (await answers).map((one) => (one.status === "fulfilled" ? one.value : String(one.reason))),
    ).toEqual(["A", "Error: bad picture", "C"]);
  });

  test("fails together where the whole batch does, and the next continues", async () => {
    const { batcher, batches } = held();
    const answers = Promise.allSettled([batcher.submit("a", "x"), batcher.submit("b", "x")]);
    await pass(5);
    await batches[0]?.fail(new Error("out of memory"));
    expect((await answers).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    const next = batcher.submit("c", "x");
    await pass(5);
    await batches[1]?.finish();
    expect(await next).toBe("C");
  });

  test.each([{ window: -1 }, { window: 0.5 }, { maxBatch: 0 }, { maxQueue: NaN }])(
    "is an option such as %o",
    (options) => {
      expect(() => held(options)).toThrow(expect.objectContaining({ code: "usage/bad-option" }));
    },
  );
});

test("a fair queue keeps the turn of who has nothing that fits", () => {
  const queue = new FairQueue<number>();
  for (const item of [1, 3]) queue.push("odd", item);
  for (const item of [2, 4]) queue.push("even", item);
  expect(queue.take((item) => item % 2 === 0)).toBe(2);
  expect([queue.take(), queue.take(), queue.take(), queue.take()]).toEqual([1, 4, 3, undefined]);
  expect(queue.size).toBe(0);
  expect(queue.remove("odd", 1)).toBe(false);
});
