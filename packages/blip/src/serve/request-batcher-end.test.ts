// The end of the queue: what `close` answers and rejects, and what `abort` rejects.
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { held, type Batcher } from "../../test/support/held-batches.ts";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

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
