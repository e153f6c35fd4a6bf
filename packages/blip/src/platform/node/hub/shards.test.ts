// The index of a sharded model on the Hub: its content is checked against the reader's schema before any shard is
// requested, so that no index determines the number of requests.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { safetensorsOf } from "@blip-ts/testing";
import { afterEach, beforeEach, expect, test } from "vitest";
import { hubId, serveScriptedHub, type ScriptedHub } from "../../../../test/support/scripted-hub.ts";
import { downloadModel } from "./download-model.ts";

const index = "model.safetensors.index.json";
const shard = Buffer.from(
  safetensorsOf({ x: { dtype: "U8", shape: [9], data_offsets: [0, 9] } }, new Uint8Array(9)),
);
const shardName = (number: number) => `model-${number}.safetensors`;

let hub: ScriptedHub;
let home = "";
beforeEach(async () => {
  hub = await serveScriptedHub({ "config.json": Buffer.from("{}") });
  home = await mkdtemp(join(tmpdir(), "blip-shards-"));
});
afterEach(async () => {
  await hub.close();
  await rm(home, { recursive: true, force: true });
});

async function load(indexText: string): Promise<readonly string[]> {
  hub.files.set(index, Buffer.from(indexText));
  await downloadModel(hubId, { env: { HF_HOME: home, HF_ENDPOINT: hub.origin }, pauseMilliseconds: 1 });
  return hub.requests.flatMap(({ kind, file }) => (kind === "head" ? [file] : []));
}

const mapOf = (shards: readonly unknown[]) =>
  JSON.stringify({ weight_map: Object.fromEntries(shards.map((name, at) => [`tensor.${at}`, name])) });

test("each shard that an index names is fetched once", async () => {
  for (const number of [1, 2]) hub.files.set(shardName(number), shard);
  const asked = await load(mapOf([shardName(1), shardName(2), shardName(1)]));
  expect(asked).toEqual(["config.json", index, shardName(1), shardName(2)]);
});

test("a device of Windows is not fetched under its name", async () => {
  for (const name of ["nul.safetensors", shardName(1)]) hub.files.set(name, shard);
  expect(await load(mapOf(["nul.safetensors", shardName(1)]))).toEqual(["config.json", index, shardName(1)]);
});

test.each([
  [
    "more shards than a model may have",
    mapOf(Array.from({ length: 1_001 }, (_, at) => shardName(at % 1_001))),
  ],
  ["one name that leads elsewhere", mapOf([shardName(1), "../x.safetensors"])],
  ["a name that is no text", mapOf([shardName(1), 7])],
  ["metadata that is no object", `{"weight_map": {"x": "${shardName(1)}"}, "metadata": 5}`],
  ["lists within lists", `{"weight_map": {"x": "${shardName(1)}"}, "y": ${"[".repeat(99)}${"]".repeat(99)}}`],
])("nothing of an index is fetched that has %s: its reader refuses it", async (_what, text) => {
  hub.files.set(shardName(1), shard);
  expect(await load(text)).toEqual(["config.json", index]);
});
