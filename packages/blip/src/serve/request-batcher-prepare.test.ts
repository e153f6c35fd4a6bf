// Requests that need something before they can run: they wait for it, the others do not wait for them.
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { held, pass, prepared } from "../../test/support/held-batches.ts";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

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
