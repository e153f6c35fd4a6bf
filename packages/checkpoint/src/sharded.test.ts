import { describe, expect, it } from "vitest";
import { failureOf, safetensorsOf, stateDict, torchZipOf } from "@blip-ts/testing";
import { memorySource } from "./memory-source.ts";
import { readSharded } from "./sharded.ts";

const shard = (...names: string[]) => {
  const entries = names.map((name, index) => [
    name,
    { dtype: "U8", shape: [1], data_offsets: [index, index + 1] },
  ]);
  return safetensorsOf(Object.fromEntries(entries), new Uint8Array(names.length));
};

const open = (index: unknown, files: Record<string, Uint8Array>) =>
  readSharded(index, "model.safetensors.index.json", (file) => {
    const bytes = files[file];
    return bytes === undefined
      ? Promise.reject(new Error(`asked for ${file}`))
      : Promise.resolve(memorySource(file, bytes));
  });

const index = {
  metadata: { total_size: 3, format: "pt" },
  weight_map: { a: "1.safetensors", b: "2.safetensors", c: "1.safetensors" },
};

describe("readSharded", () => {
  it("opens each shard once and returns all tensors, each in its own file", async () => {
    const { format, tensors, metadata } = await open(index, {
      "1.safetensors": shard("a", "c"),
      "2.safetensors": shard("b"),
    });
    expect(format).toBe("safetensors");
    expect([...tensors.values()].map(({ name, source }) => `${name} in ${source.name}`)).toEqual([
      "a in 1.safetensors",
      "c in 1.safetensors",
      "b in 2.safetensors",
    ]);
    expect(metadata).toEqual({ total_size: "3", format: "pt" });
  });

  it("reports tensors that are missing, in two files, or not listed, all at once", async () => {
    const files = { "1.safetensors": shard("a", "x"), "2.safetensors": shard("a", "b") };
    const failure = await failureOf(() => open(index, files));
    expect(failure.code).toBe("checkpoint/shards");
    expect(failure.fields).toMatchObject({ missing: ["c"], duplicated: ["a"], unlisted: ["x"] });
    for (const says of ["1 not in the file", "1 in more than one", "1 in a file but not"])
      expect(failure.message).toContain(says);
  });

  it("rejects shards of two formats", async () => {
    const torch = torchZipOf(stateDict([{ name: "b", shape: [1] }], { b: [1] }), { b: [1] });
    const files = { "1.safetensors": shard("a", "c"), "2.safetensors": torch };
    const failure = await failureOf(() => open(index, files));
    expect(failure.code).toBe("checkpoint/malformed");
    expect(failure.message).toContain("two formats: safetensors, and torch-zip in 2.safetensors");
  });

  it("does not read a tensor from another shard than the named one", async () => {
    const files = { "1.safetensors": shard("a", "b", "c"), "2.safetensors": shard() };
    expect(await failureOf(() => open(index, files))).toMatchObject({ fields: { missing: ["b"] } });
  });

  it.each([
    "../secret",
    "a/b.safetensors",
    "a\\b.safetensors",
    "..",
    ".hidden",
    "C:x",
    "%2e%2e",
    "a?b",
    "a\u0000b",
    "",
    7,
    null,
  ])("refuses a shard named %j without opening it", async (file) => {
    const failure = await failureOf(() => open({ weight_map: { a: file } }, {}));
    expect(failure.code).toBe("checkpoint/malformed");
    expect(failure.message).toContain("model.safetensors.index.json");
  });

  it.each<[unknown, string]>([
    [null, "expected an object with a weight_map, got null"],
    [[], "expected an object with a weight_map, got []"],
    [{}, "weight_map: expected an object from tensors to files, at most 100000 of them, got nothing"],
    [
      { weight_map: [] },
      "weight_map: expected an object from tensors to files, at most 100000 of them, got []",
    ],
    [{ weight_map: {} }, "the weight_map of the index is empty"],
    [
      { weight_map: { a: { toString: 1, valueOf: 1 } } },
      'weight_map.a: expected a text of at most 255 characters, got {"toString":1,"valueOf":1}',
    ],
    [
      { weight_map: { a: "../b" } },
      'weight_map.a: expected the plain name of a file beside the index, got "../b"',
    ],
    [
      { weight_map: { a: "1" }, metadata: [] },
      "metadata: expected an object of notes, at most 100000 of them, got []",
    ],
  ])("refuses the index %j, and names the field", async (json, says) => {
    const failure = await failureOf(() => open(json, {}));
    expect(failure.code).toBe("checkpoint/malformed");
    expect(failure.message).toContain(says);
  });

  it("accepts tensors with the names of prototypes", async () => {
    const json: unknown = JSON.parse(
      '{"weight_map": {"constructor": "1.safetensors", "__proto__": "1.safetensors"}}',
    );
    const header =
      '{"constructor":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"__proto__":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}';
    const { tensors } = await open(json, { "1.safetensors": safetensorsOf(header, new Uint8Array(2)) });
    expect([...tensors.keys()]).toEqual(["constructor", "__proto__"]);
  });

  it("rejects more shards than any model has", async () => {
    const weight_map = Object.fromEntries(
      Array.from({ length: 1_001 }, (_, i) => [`t${i}`, `${i}.safetensors`]),
    );
    expect(await failureOf(() => open({ weight_map }, {}))).toMatchObject({ code: "checkpoint/limit" });
  });
});
