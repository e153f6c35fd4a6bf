// The readers without Node: bundled for a page, and run with only web globals.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createContext, runInContext } from "node:vm";
import { rolldown } from "rolldown";
import { expect, test } from "vitest";
import { fixture, list } from "./support.ts";

const page = `
import { pairRows, readData } from "@blip-ts/datasets";

const fileOf = (name, bytes) => ({
  name, path: name, root: "", size: bytes.length,
  read: async (offset, length) => bytes.slice(offset, offset + length),
  async *stream() { yield bytes; },
});
const all = async (items) => { const found = []; for await (const item of items) found.push(item); return found; };

globalThis.run = async (task, name, bytes) => {
  const dataset = await readData(task, { kind: "file", file: fileOf(name, bytes) }, {}, {});
  return JSON.stringify({ container: dataset.container, rows: (await all(dataset.examples)).length });
};
globalThis.pairs = async (bytes) =>
  (await all(pairRows((async function* () { yield bytes; })(), { name: "rows" }, undefined))).length;
`;

test("tables, shards, lists and pairs are read in a page", async () => {
  const bundle = await rolldown({
    input: "page",
    platform: "browser",
    resolve: { alias: { "@blip-ts/datasets": fileURLToPath(new URL("../src/index.ts", import.meta.url)) } },
    plugins: [
      {
        name: "page",
        resolveId: (id) => (id === "page" ? id : undefined),
        load: (id) => (id === "page" ? page : undefined),
      },
    ],
  });
  const { output } = await bundle.generate({ format: "iife" });
  const { code } = output[0];
  expect(code).not.toMatch(/require\(|from "node:/);
  const {
    TextDecoder,
    ReadableStream,
    WritableStream,
    ByteLengthQueuingStrategy,
    DecompressionStream,
    atob,
  } = globalThis;
  const context = createContext({
    ...{
      TextDecoder,
      ReadableStream,
      WritableStream,
      ByteLengthQueuingStrategy,
      DecompressionStream,
      atob,
    },
    ...{ Uint8Array, ArrayBuffer, TextEncoder },
  });
  runInContext(code, context);
  const { run, pairs } = context as {
    run: (task: string, name: string, bytes: Uint8Array) => Promise<string>;
    pairs: (bytes: Uint8Array) => Promise<number>;
  };
  const bytesOf = (path: string) => new Uint8Array(readFileSync(path));
  const read = async (task: string, path: string): Promise<unknown> =>
    JSON.parse(await run(task, "file", bytesOf(path)));
  expect(await read("retrieval", fixture("parquet/snappy.parquet"))).toEqual({
    container: "parquet",
    rows: 4,
  });
  expect(await read("pretrain", fixture("shards/00000.tar"))).toEqual({ container: "webdataset", rows: 2 });
  expect(await read("caption", list("coco_karpathy_val.json"))).toEqual({ container: "json", rows: 2 });
  expect(await read("nlvr", list("nlvr2.jsonl"))).toEqual({ container: "jsonl", rows: 2 });
  expect(await pairs(bytesOf(list("pairs.jsonl")))).toBe(6);
});
