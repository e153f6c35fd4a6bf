// Many records across blocks, and their memory.
import { expect, test } from "vitest";
import { RecordStore } from "./record-store.ts";

const full = () => new Error("full");

test("records come back by their number, whatever their size", () => {
  const store = new RecordStore<{ text: string; number: number }>(2 ** 30, full);
  const record = (number: number) => ({ text: "ü".repeat(number % 977), number });
  for (let number = 0; number < 5000; number++) store.add(record(number));
  store.add({ text: "x".repeat(1 << 18), number: -1 });
  expect(store.size).toBe(5001);
  for (const number of [0, 1, 976, 977, 1023, 1024, 2500, 4999])
    expect(store.get(number)).toEqual(record(number));
  expect(store.get(5000)).toEqual({ text: "x".repeat(1 << 18), number: -1 });
  expect(() => store.get(5001)).toThrow(RangeError);
});

test("their bytes are counted and bounded", () => {
  const store = new RecordStore<string>(10 * (12 + 12), full);
  for (let number = 0; number < 10; number++) store.add("0123456789");
  expect(store.bytes).toBe(240);
  expect(() => store.add("")).toThrow("full");
});

test("a row of a list takes about its own bytes of memory", () => {
  const before = process.memoryUsage();
  const store = new RecordStore<object>(2 ** 30, full);
  const text = "a photograph of a small dog that runs along a beach in the evening";
  for (let number = 0; number < 200_000; number++)
    store.add({ images: [{ kind: "path", root: "/data", path: `train/${number}.jpg` }], text, number });
  const after = process.memoryUsage();
  const taken = after.arrayBuffers - before.arrayBuffers;
  // Blocks and index grow by doubling: at most twice the size of the records, and the last block of 16 MiB.
  expect(taken).toBeLessThan(2 * store.bytes + 2 ** 24);
  expect(store.bytes / store.size).toBeLessThan(200);
});
