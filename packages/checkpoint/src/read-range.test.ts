import { describe, expect, it } from "vitest";
import { failureOf } from "@blip-ts/testing";
import { memorySource } from "./memory-source.ts";
import { decodeUtf8, readRange, readUint64, viewOf } from "./read-range.ts";

const source = memorySource("m", Uint8Array.of(1, 2, 3, 4));

describe("readRange", () => {
  it("reads all bytes, up to the last", async () => {
    expect([...(await readRange(source, 1, 3, "x"))]).toEqual([2, 3, 4]);
    expect([...(await readRange(source, 4, 0, "x"))]).toEqual([]);
  });

  it.each([
    [NaN, 1],
    [-1, 1],
    [0, -1],
    [0.5, 1],
    [2 ** 53, 1],
    [0, Infinity],
  ])("refuses %d and %d, which are no range", async (offset, length) => {
    const failure = await failureOf(() => readRange(source, offset, length, "the header"));
    expect(failure.code).toBe("checkpoint/malformed");
    expect(failure.message).toContain("the header has the impossible range of");
  });

  it("does not request a range outside the source", async () => {
    const never = { ...source, read: () => Promise.reject(new Error("asked")) };
    expect(await failureOf(() => readRange(never, 2, 3, "x"))).toMatchObject({
      code: "checkpoint/truncated",
    });
  });

  it("does not return fewer bytes than requested", async () => {
    const short = { ...source, read: () => Promise.resolve(new Uint8Array(1)) };
    expect(await failureOf(() => readRange(short, 0, 2, "x"))).toMatchObject({
      code: "checkpoint/truncated",
    });
  });
});

describe("memorySource", () => {
  it("returns copies, and rejects ranges outside it", async () => {
    const copy = await source.read(0, 4);
    copy[0] = 9;
    expect((await source.read(0, 1))[0]).toBe(1);
    for (const [offset, length] of [
      [0, 5],
      [-1, 1],
      [3, 2],
      [NaN, 1],
    ] as const)
      expect(await failureOf(() => source.read(offset, length))).toMatchObject({ code: "model/read-failed" });
  });
});

describe("readUint64", () => {
  it("accepts the largest safe integer, and none above", () => {
    const view = viewOf(new Uint8Array(8));
    view.setBigUint64(0, 2n ** 53n - 1n, true);
    expect(readUint64(view, 0)).toBe(Number.MAX_SAFE_INTEGER);
    view.setBigUint64(0, 2n ** 53n, true);
    expect(readUint64(view, 0)).toBeUndefined();
  });
});

describe("decodeUtf8", () => {
  it("keeps a byte order mark, and rejects bytes that are not UTF-8", () => {
    expect(decodeUtf8(Uint8Array.of(0xef, 0xbb, 0xbf, 0x7b))).toBe("\uFEFF{");
    expect(decodeUtf8(Uint8Array.of(0xc0, 0x80))).toBeUndefined();
  });
});
