// Finds and calls candle's program: a stand-in that answers in the same way.
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { candlePeer, findCandle } from "./candle-peer.ts";

let folder = "";
const program = () => join(folder, "target/release/candle-peer");

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "blip-candle-"));
  await mkdir(dirname(program()), { recursive: true });
  // The stand-in returns its arguments, and ends when a test requests it.
  const script = `#!${process.execPath}
    require("readline").createInterface({ input: process.stdin }).on("line", (line) => {
      const order = JSON.parse(line).do;
      if (order === "end") process.exit(3);
      const ok = [...process.argv.slice(2), process.env.RAYON_NUM_THREADS, order];
      console.log(JSON.stringify(order === "refuse" ? { error: "no such order" } : { ok }));
    });`;
  await writeFile(program(), script);
  await chmod(program(), 0o755);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test("is found by its folder or by its name, with its WebAssembly if that is built", async () => {
  expect(await findCandle(folder)).toEqual({ program: program(), wasm: undefined });
  const wasm = join(folder, "target/wasm32-unknown-unknown/release/candle_peer.wasm");
  await mkdir(dirname(wasm), { recursive: true });
  await writeFile(wasm, "");
  for (const path of [folder, program()])
    expect(await findCandle(path)).toEqual({ program: program(), wasm });
  await expect(findCandle(join(folder, "elsewhere"))).rejects.toThrow(/--candle: expected .*elsewhere/);
});

test("gets both folders and its threads, and answers orders; failures are reported", async () => {
  await using peer = candlePeer(program(), { itm: "a", caption: "b", threads: 2 });
  expect(await peer.call("image")).toEqual(["a", "b", "2", "image"]);
  await expect(peer.call("refuse")).rejects.toThrow("no such order");
  await expect(peer.call("end")).rejects.toThrow(/candle-peer ended \(exit code 3\)/);
  await expect(peer.call("image")).rejects.toThrow(/ended/);
});
