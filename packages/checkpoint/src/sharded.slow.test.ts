// The limit over all shards, which needs more tensors than any model has.
import { expect, test } from "vitest";
import { failureOf, safetensorsOf } from "@blip-ts/testing";
import { memorySource } from "./memory-source.ts";
import { readSharded } from "./sharded.ts";

test("more tensors than a model has are rejected, listed or not", async () => {
  const shard = (start: number) => {
    const names = Array.from({ length: 60_000 }, (_, index) => `t${start + index}`);
    const entry = (index: number) => ({ dtype: "U8", shape: [1], data_offsets: [index, index + 1] });
    const header = Object.fromEntries(names.map((name, index) => [name, entry(index)]));
    return safetensorsOf(header, new Uint8Array(names.length));
  };
  const index = { weight_map: { a: "0.safetensors", b: "1.safetensors" } };
  const open = (file: string) => Promise.resolve(memorySource(file, shard(60_000 * Number(file[0]))));
  expect(await failureOf(() => readSharded(index, "index", open))).toMatchObject({
    code: "checkpoint/limit",
    fields: { found: 120_000 },
  });
}, 60_000);
