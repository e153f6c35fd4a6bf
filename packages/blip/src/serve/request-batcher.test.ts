// The queue with a clock and a worker under the tests' control: window, limit, turns, cancellation, failures, the end.
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { FairQueue } from "./fair-queue.ts";
import { RequestBatcher, type BatcherOptions, type Outcome, type Preparer } from "./request-batcher.ts";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** A batch that runs until the test ends it. */
interface Held {
  readonly requests: readonly string[];
  readonly group: string;
  readonly signal: AbortSignal;
  /** Answers each request with its upper-case text, except those that begin with "bad". */
  finish(): Promise<void>;
  fail(error: Error): Promise<void>;
}

/** A batcher whose batches are held. */
function held(options: BatcherOptions = {}, preparer?: Preparer<string>) {
  const batches: Held[] = [];
  const batcher = new RequestBatcher<string, string>(
    (requests, group, signal) =>
      new Promise<Outcome<string>[]>((resolve, reject) => {
        // The microtasks of settled promises have run when the test continues.
        const settled = () => vi.advanceTimersByTimeAsync(0).then(() => undefined);
        batches.push({
          ...{ requests, group, signal },
          finish() {
            resolve(
              requests.map((request) =>
                request.startsWith("bad") ? { error: new Error(request) } : { value: request.toUpperCase() },
              ),
            );
            return settled();
          },
          fail(error) {
            reject(error);
            return settled();
          },
        });
      }),
    options,
    preparer,
  );
  return { batcher, batches, run: () => batches.map(({ requests }) => requests.join(" ")) };
}

type Batcher = RequestBatcher<string, string>;

const pass = (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds);

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

describe("the end", () => {
  test('of `close` with `waiting: "reject"` rejects who waits and finishes what runs', async () => {
    const { batcher, batches } = held({ maxBatch: 1, maxQueue: 1 });
    const running = batcher.submit("a", "x");
    const waiting = [batcher.submit("b", "x"), batcher.submit("c", "x", { whenFull: "wait" })];
    const end = batcher.close({ waiting: "reject" });
    for (const one of waiting) await expect(one).rejects.toMatchObject({ code: "batch/closed" });
    await expect(batcher.submit("d", "x")).rejects.toMatchObject({ code: "batch/closed" });
    await batches[0]?.finish();
    await end;
    expect(await running).toBe("A");
    expect(vi.getTimerCount()).toBe(0);
  });

  test.each([
    ["`close`", (batcher: Batcher) => batcher.close()],
    ["`await using`", (batcher: Batcher) => batcher[Symbol.asyncDispose]()],
  ])("of %s answers everybody, without waiting for a window", async (_how, close) => {
    const { batcher, batches, run } = held({ maxBatch: 2, maxQueue: 2, window: 1000 });
    const answers = ["a", "b", "c"].map((request) => batcher.submit(request, "x"));
    answers.push(batcher.submit("d", "x"), batcher.submit("e", "x", { whenFull: "wait" }));
    let over = false;
    const end = close(batcher).then(() => {
      over = true;
    });
    await batches[0]?.finish();
    await batches[1]?.finish();
    expect(over).toBe(false);
    await batches[2]?.finish();
    await end;
    expect(run()).toEqual(["a b", "c d", "e"]);
    expect(await Promise.all(answers)).toEqual(["A", "B", "C", "D", "E"]);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("`abort` rejects", () => {
  test.each([
    [undefined, "batch/closed"],
    [Object.assign(new Error("the server stops"), { code: "stop" }), "stop"],
  ])("who waits and who runs, and stops what runs: %s", async (reason, code) => {
    const { batcher, batches } = held({ maxBatch: 1, maxQueue: 1 });
    const asked = [
      batcher.submit("a", "x"),
      batcher.submit("b", "x"),
      batcher.submit("c", "x", { whenFull: "wait" }),
    ];
    let over = false;
    const end = batcher.abort(reason).then(() => (over = true));
    for (const answer of asked) await expect(answer).rejects.toMatchObject({ code });
    await expect(batcher.submit("d", "x")).rejects.toMatchObject({ code: "batch/closed" });
    expect([batches.length, batches[0]?.signal.aborted, batcher.waiting, over]).toEqual([1, true, 0, false]);
    await batches[0]?.finish();
    await end;
    expect(vi.getTimerCount()).toBe(0);
  });

  test("what a `close` would have answered", async () => {
    const { batcher, batches } = held({ maxBatch: 1 });
    const answers = Promise.allSettled([batcher.submit("a", "x"), batcher.submit("b", "x")]);
    const [closed, aborted] = [batcher.close(), batcher.abort()];
    await batches[0]?.fail(new Error("stopped"));
    await Promise.all([closed, aborted]);
    expect((await answers).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    expect(batches).toHaveLength(1);
  });
});

test("another way of closing is rejected, with those that there are", async () => {
  const { batcher } = held();
  // Like a call from an untyped program.
  await expect(batcher.close({ waiting: "drop" as "answer" })).rejects.toMatchObject({
    code: "usage/bad-option",
    fields: { valid: ["answer", "reject"] },
  });
});

/** Upper-case requests need a preparation, which the test completes. */
function prepared(expected: () => number = () => 0) {
  const given = new Map<string, { ready: () => void; fail: (error: Error) => void }>();
  const released: string[] = [];
  const preparer: Preparer<string> = {
    expected,
    prepare: (request) => {
      if (request !== request.toUpperCase()) return undefined;
      const ready = new Promise<void>((resolve, reject) => {
        given.set(request, { ready: resolve, fail: reject });
      });
      return { ready, release: () => void released.push(request) };
    },
  };
  const settle = async (request: string, error?: Error) => {
    if (error) given.get(request)?.fail(error);
    else given.get(request)?.ready();
    await pass(0);
  };
  return { preparer, released, settle, begun: () => [...given.keys()] };
}

describe("requests that need something first", () => {
  test("are in a batch when they are ready, and the others do not wait for them", async () => {
    const { preparer, released, settle } = prepared();
    const { batcher, batches, run } = held({ window: 5 }, preparer);
    const never = batcher.submit("NEVER", "x").catch(() => "rejected");
    const late = batcher.submit("LATE", "x");
    const ready = batcher.submit("ready", "x");
    await pass(5);
    expect(run()).toEqual(["ready"]);
    await settle("LATE");
    await batches[0]?.finish();
    await pass(5);
    expect(run()).toEqual(["ready", "LATE"]);
    await batches[1]?.finish();
    expect(await Promise.all([ready, late])).toEqual(["READY", "LATE"]);
    expect([released, batcher.waiting]).toEqual([["LATE"], 1]);
    const closed = batcher.close({ waiting: "reject" });
    expect(await never).toBe("rejected");
    await closed;
    expect(released).toEqual(["LATE", "NEVER"]);
  });

  test("and cannot get it fail alone, at once", async () => {
    const { preparer, released, settle } = prepared();
    const { batcher, run } = held({}, preparer);
    const failed = expect(batcher.submit("A", "x")).rejects.toThrow("no image");
    await settle("A", new Error("no image"));
    await failed;
    expect([run(), released, batcher.waiting]).toEqual([[], ["A"], 0]);
  });

  test("have room in the queue, which one that is taken back leaves", async () => {
    const { preparer, released, settle, begun } = prepared();
    const { batcher, batches } = held({ maxQueue: 1, window: 0 }, preparer);
    const stop = new AbortController();
    const first = batcher.submit("A", "x", { signal: stop.signal });
    await expect(batcher.submit("B", "x")).rejects.toMatchObject({ code: "batch/full" });
    const second = batcher.submit("C", "x", { whenFull: "wait" });
    expect(begun()).toEqual(["A"]);
    stop.abort(new Error("gone"));
    await expect(first).rejects.toThrow("gone");
    expect([begun(), released]).toEqual([["A", "C"], ["A"]]);
    await settle("C");
    await pass(0);
    await batches[0]?.finish();
    expect(await second).toBe("C");
  });

  test("and are about to be ready are waited for, as long as that is likely, but never long", async () => {
    let expected = 30;
    const { preparer, settle } = prepared(() => expected);
    const { batcher, run } = held({ window: 5 }, preparer);
    const submit = (name: string) => void batcher.submit(name, "x").catch(() => undefined);
    submit("A");
    submit("ready");
    await pass(10);
    expect(run()).toEqual([]);
    expected = 0;
    await settle("A");
    expect(run()).toEqual(["ready A"]);

    const other = held({ window: 5 }, prepared(() => 1000).preparer);
    void other.batcher.submit("NEVER", "x").catch(() => undefined);
    void other.batcher.submit("ready", "x").catch(() => undefined);
    await pass(99);
    expect(other.run()).toEqual([]);
    await pass(1);
    expect(other.run()).toEqual(["ready"]);
  });

  test("are answered by `close`, which waits for them", async () => {
    const { preparer, settle } = prepared();
    const { batcher, batches } = held({ window: 1000 }, preparer);
    const answer = batcher.submit("A", "x");
    let closed = false;
    const closing = batcher.close().then(() => (closed = true));
    await pass(10);
    expect(closed).toBe(false);
    await settle("A");
    await batches[0]?.finish();
    expect(await answer).toBe("A");
    await closing;
  });
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
