import { describe, expect, it } from "vitest";
import { failureOf, safetensorsOf } from "@blip-ts/testing";
import { memorySource } from "./memory-source.ts";
import { readSafetensors } from "./safetensors.ts";
import { readTensorBytes } from "./stored-tensor.ts";

const open = (header: unknown, data = new Uint8Array(0)) =>
  readSafetensors(memorySource("m.safetensors", safetensorsOf(header, data)));

const f32 = (shape: unknown, begin: unknown, end: unknown) => ({
  dtype: "F32",
  shape,
  data_offsets: [begin, end],
});

describe("readSafetensors", () => {
  it("returns byte ranges of the file, not copies", async () => {
    const data = Uint8Array.from({ length: 12 }, (_, index) => index);
    const header = { __metadata__: { format: "pt" }, b: f32([2], 4, 12), a: f32([], 0, 4) };
    const checkpoint = await open(header, data);
    expect(checkpoint.format).toBe("safetensors");
    expect(checkpoint.metadata).toEqual({ format: "pt" });
    const [b, a] = [checkpoint.tensors.get("b"), checkpoint.tensors.get("a")];
    const dataStart = 8 + JSON.stringify(header).length;
    expect(b).toMatchObject({ dtype: "float32", shape: [2], offset: dataStart + 4, byteLength: 8 });
    expect(a).toMatchObject({ shape: [], offset: dataStart, byteLength: 4 });
    expect(b && [...(await readTensorBytes(b))]).toEqual([4, 5, 6, 7, 8, 9, 10, 11]);
  });

  it("accepts tensors without elements, and a header padded with spaces", async () => {
    const { tensors } = await open(
      `${JSON.stringify({ empty: f32([0, 7], 0, 0), one: f32([1], 0, 4) })}   `,
      new Uint8Array(4),
    );
    expect([...tensors.keys()]).toEqual(["empty", "one"]);
  });

  it("keeps a tensor named __proto__ a tensor", async () => {
    const { tensors, metadata } = await open(
      `{"__metadata__":{"__proto__":"x"},"__proto__":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`,
      new Uint8Array(1),
    );
    expect([...tensors.keys()]).toEqual(["__proto__"]);
    expect(Object.keys(metadata)).toEqual(["__proto__"]);
    expect("x" in {}).toBe(false);
    expect(Object.getPrototypeOf(metadata)).toBe(Object.prototype);
  });

  it.each([
    ["a header that is no object", "[]", 0, "checkpoint/malformed", "not a JSON object"],
    ["a header that begins with a space", " {}", 0, "checkpoint/malformed", "not a JSON object"],
    [
      "metadata that is no object",
      '{"__metadata__":["pt"]}',
      0,
      "checkpoint/malformed",
      "not an object of strings",
    ],
    ["a header that is no JSON", "{nope", 0, "checkpoint/malformed", "not valid JSON"],
    ["a header that nests without end", `{"a":${"[".repeat(9)}`, 0, "checkpoint/malformed", "deeper than 3"],
    ["a repeated tensor", `{"a":{},"a":{}}`, 0, "checkpoint/duplicate", "a occurs twice"],
    [
      "a name repeated through an escape",
      String.raw`{"a":{},"\u0061":{}}`,
      0,
      "checkpoint/duplicate",
      "a occurs twice",
    ],
    [
      "a repeated key inside an entry",
      `{"a":{"dtype":"F32","dtype":"F16"}}`,
      0,
      "checkpoint/duplicate",
      "dtype",
    ],
    ["metadata that is no text", { __metadata__: { n: 1 } }, 0, "checkpoint/malformed", "has a number"],
    ["an entry that is no object", { a: null }, 0, "checkpoint/malformed", "not an object"],
    [
      "an entry with more keys",
      { a: { ...f32([1], 0, 4), x: 1 } },
      4,
      "checkpoint/malformed",
      "keys other than",
    ],
    [
      "a type that is not known",
      { a: { ...f32([1], 0, 1), dtype: "F8_E4M3" } },
      1,
      "checkpoint/dtype",
      "F8_E4M3",
    ],
    ["a negative size", { a: f32([-1], 0, 4) }, 4, "checkpoint/malformed", "shape"],
    ["a fractional size", { a: f32([0.5], 0, 2) }, 2, "checkpoint/malformed", "shape"],
    ["a size that is text", { a: f32(["1"], 0, 4) }, 4, "checkpoint/malformed", "shape"],
    ["2^60 elements", { a: f32([2 ** 30, 2 ** 30], 0, 4) }, 4, "checkpoint/malformed", "can be counted"],
    ["a size of 2^60", { a: f32([2 ** 60], 0, 4) }, 4, "checkpoint/malformed", "shape"],
    ["offsets of 2^60", { a: f32([1], 2 ** 60, 2 ** 60 + 4) }, 4, "checkpoint/malformed", "data_offsets"],
    ["offsets outside the file", { a: f32([1], 0, 4) }, 3, "checkpoint/truncated", "the tensor a"],
    ["offsets back to front", { a: f32([0], 4, 0) }, 4, "checkpoint/malformed", "data_offsets"],
    [
      "three offsets",
      { a: { ...f32([1], 0, 4), data_offsets: [0, 4, 4] } },
      4,
      "checkpoint/malformed",
      "data_offsets",
    ],
    ["a length that is not the shape's", { a: f32([2], 0, 4) }, 4, "checkpoint/malformed", "needs 8"],
    ["overlapping tensors", { a: f32([2], 0, 8), b: f32([1], 4, 8) }, 8, "checkpoint/malformed", "overlaps"],
    [
      "a gap between tensors",
      { a: f32([1], 0, 4), b: f32([1], 8, 12) },
      12,
      "checkpoint/malformed",
      "belong to no tensor",
    ],
    ["a gap at the beginning", { a: f32([1], 4, 8) }, 8, "checkpoint/malformed", "4 bytes before"],
    ["bytes behind the last tensor", { a: f32([1], 0, 4) }, 5, "checkpoint/malformed", "1 bytes at the end"],
  ])("refuses %s", async (_, header, dataBytes, code, says) => {
    const failure = await failureOf(() => open(header, new Uint8Array(dataBytes)));
    expect(failure.code).toBe(code);
    expect(failure.message).toContain("m.safetensors");
    expect(failure.message).toContain(says);
  });

  it("rejects a header length above the limit before it reads the header", async () => {
    const bytes = safetensorsOf("{}");
    new DataView(bytes.buffer).setBigUint64(0, 2n ** 63n, true);
    expect(await failureOf(() => readSafetensors(memorySource("m", bytes)))).toMatchObject({
      code: "checkpoint/limit",
    });
  });

  it.each<[string, unknown]>([
    ["4 MB and more", `{"a":"${"x".repeat(4_000_000)}"}`],
    [
      "more than 100,000 tensors",
      Object.fromEntries(Array.from({ length: 100_001 }, (_, at) => [at.toString(36), 0])),
    ],
    [
      "more than 100,000 notes",
      { __metadata__: Object.fromEntries(Array.from({ length: 100_001 }, (_, at) => [at.toString(36), ""])) },
    ],
  ])("refuses a header of %s", async (_, header) => {
    const failure = await failureOf(() => open(header));
    expect(failure.code).toBe("checkpoint/limit");
    expect(failure.message).toMatch(/more than the limit of (?:4000000|100000)/);
  });

  it.each<[unknown]>([[{ toString: 1, valueOf: 1 }], [{ toJSON: 1 }], [null], [7], [["F32"]]])(
    "refuses the type %j by what it is",
    async (dtype) => {
      const failure = await failureOf(() => open({ a: { ...f32([1], 0, 4), dtype } }, new Uint8Array(4)));
      expect(failure.code).toBe("checkpoint/dtype");
      expect(failure.message).toContain(JSON.stringify(dtype));
    },
  );

  it("yields to the event loop while it reads many entries", async () => {
    let turns = 0;
    const timer = setInterval(() => turns++, 0);
    await open(Object.fromEntries(Array.from({ length: 20_000 }, (_, at) => [`t${at}`, f32([0], 0, 0)])));
    clearInterval(timer);
    expect(turns).toBeGreaterThanOrEqual(3);
  });

  it("reports a file that ends within its header as truncated", async () => {
    const bytes = safetensorsOf({ a: f32([1], 0, 4) }, new Uint8Array(4));
    for (const length of [0, 7, 8, 20]) {
      const failure = await failureOf(() => readSafetensors(memorySource("m", bytes.subarray(0, length))));
      expect(failure).toMatchObject({ code: "checkpoint/truncated" });
      expect(failure.message).toContain("incomplete");
    }
  });

  it("shows a name from the file shortened and without control characters", async () => {
    const failure = await failureOf(() => open({ ["\u001b[31m\u202e" + "x".repeat(9_999)]: null }));
    expect(failure.message).not.toMatch(/[\u001b\u202e]/);
    expect(failure.message.length).toBeLessThan(600);
  });
});
