import { describe, expect, test, vi } from "vitest";
import { unlessAborted, whenAborted } from "./abortable.ts";

describe("calls under one signal", () => {
  test("need one listener, and none once they are withdrawn", () => {
    const { signal } = new AbortController();
    const [add, remove] = [vi.spyOn(signal, "addEventListener"), vi.spyOn(signal, "removeEventListener")];
    const forget = Array.from({ length: 30 }, () => whenAborted(signal, () => undefined));
    expect([add.mock.calls.length, remove.mock.calls.length]).toEqual([1, 0]);
    for (const each of forget) each();
    expect(remove).toHaveBeenCalledTimes(1);
    whenAborted(signal, () => undefined);
    expect(add).toHaveBeenCalledTimes(2);
  });

  test("are each called once, except those that were withdrawn", () => {
    const controller = new AbortController();
    const called: number[] = [];
    const forget = [0, 1, 2].map((number) =>
      whenAborted(controller.signal, () => {
        called.push(number);
        // The first call removes the third one, like work that the first call ends.
        forget[2]?.();
      }),
    );
    forget[0]?.();
    controller.abort();
    controller.abort();
    expect(called).toEqual([1]);
    whenAborted(controller.signal, () => called.push(3));
    whenAborted(undefined, () => called.push(4));
    expect(called).toEqual([1]);
  });

  test("end with its reason, and leave no listener afterwards", async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const remove = vi.spyOn(signal, "removeEventListener");
    expect(await Promise.all([1, 2].map((value) => unlessAborted(Promise.resolve(value), signal)))).toEqual([
      1, 2,
    ]);
    expect(remove).toHaveBeenCalledTimes(1);
    const never = [1, 2].map(() => unlessAborted(new Promise(() => undefined), signal));
    const reason = new Error("gone");
    controller.abort(reason);
    for (const each of never) await expect(each).rejects.toBe(reason);
  });
});
