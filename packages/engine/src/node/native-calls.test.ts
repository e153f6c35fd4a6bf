// A thread's state, from both sides.
import { setTimeout } from "node:timers/promises";
import { expect, test } from "vitest";
import { afterNativeCall, callNative, createNativeState } from "./native-calls.ts";

const never = "never";
const soon = <T>(work: Promise<T>) => Promise.race([work, setTimeout(30, never)]);

test("calls return their results, and throw their errors", async () => {
  const state = createNativeState();
  await expect(callNative(state, () => Promise.resolve(7))).resolves.toBe(7);
  await expect(callNative(state, () => Promise.reject(new Error("no")))).rejects.toThrow("no");
  await expect(callNative(state, () => Promise.resolve(8))).resolves.toBe(8);
});

test("a thread ends after its call, and starts no other", async () => {
  const state = createNativeState();
  const order: string[] = [];
  const call = callNative(state, () => setTimeout(20)).then(() => order.push("call"));
  const end = afterNativeCall(state).then(() => order.push("end"));
  await Promise.all([call, end]);
  expect(order).toEqual(["call", "end"]);
  expect(await soon(callNative(state, () => Promise.resolve(1)))).toBe(never);
});

test("an idle thread ends at once, even if ended twice", async () => {
  const state = createNativeState();
  await afterNativeCall(state);
  await afterNativeCall(state);
  expect(await soon(callNative(state, () => Promise.resolve(1)))).toBe(never);
});
