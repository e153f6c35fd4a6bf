// Models of several files on the Hub. A suite: model_index.json first, then the folders of requested tasks, each file
// once. Shards of PyTorch: the index first, then the files that it names.
import { mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { last } from "@blip-ts/base";
import { arrayOf, failureOf } from "@blip-ts/testing";
import { tinyParts, tinySuite, type PartTask } from "../../../../test/support/suites.ts";
import { serveTinyHub, type TinyHub } from "../../../../test/support/tiny-hub.ts";
import { openModelForTasks } from "../../../load/open-suite.ts";
import { Matcher } from "../../../verbs/match.ts";
import { fixture } from "../../../../test/support/goldens.ts";
import { nodePlatform } from "../node-platform.ts";

const id = "someone/blip-suite";
const shardedId = "someone/blip-sharded";
const quiet = { onWarning: () => undefined };

let root = "";
let suite = "";
let parts: Record<PartTask, string>;
let hub: TinyHub;
let home = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "blip-hub-suite-"));
  parts = await tinyParts(root);
  suite = await tinySuite(parts, join(root, "suite"), ["match", "ask"]);
}, 120_000);
afterAll(() => rm(root, { recursive: true, force: true }));

beforeEach(async () => {
  hub = await serveTinyHub({ [id]: suite, [shardedId]: "match-f16-sharded-bin" }, new Uint8Array());
  home = await mkdtemp(join(root, "home-"));
  vi.stubEnv("HF_HOME", home);
  vi.stubEnv("HF_ENDPOINT", hub.origin);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await hub[Symbol.asyncDispose]();
});

const side = [
  "config.json",
  "preprocessor_config.json",
  "tokenizer.json",
  "tokenizer_config.json",
  "vocab.txt",
];
const filesOfMatch = [...side, "model.safetensors"].map((file) => `${id}/match/${file}`);

async function scoresOf(model: string, more: { offline?: boolean } = {}) {
  await using matcher = await Matcher.load(nodePlatform, model, { ...quiet, ...more });
  return await arrayOf(matcher.match([fixture("../examples/scenes/01.png")], ["a dog"]));
}

test("only the task's part is fetched, then nothing any more; offline it is there", async () => {
  const expected = await scoresOf(parts.match);
  expect(await scoresOf(id)).toEqual(expected);
  const first = [`${id}/model_index.json`, `${id}/image_encoder/model.safetensors`, ...filesOfMatch];
  expect([...hub.sent].sort()).toEqual([...first].sort());
  expect(await scoresOf(id)).toEqual(expected);
  expect(await scoresOf(id, { offline: true })).toEqual(expected);
  const commit = "0123456789abcdef0123456789abcdef01234567";
  const files = await nodePlatform.openModel(id, { revision: commit });
  await openModelForTasks(files, ["ask"]);
  // The image encoder is not fetched again, nor are files that both parts share.
  expect(hub.sent.slice(first.length).sort()).toEqual(
    ["config.json", "model.safetensors", "tokenizer.json"].map((file) => `${id}/ask/${file}`),
  );
  const offline = await nodePlatform.openModel(id, { offline: true });
  expect((await openModelForTasks(offline, ["ask"])).tasks.tasks).toEqual(["ask"]);
});

test("offline, a part that was not fetched is said not to be there", async () => {
  await openModelForTasks(await nodePlatform.openModel(id, {}), ["match"]);
  const files = await nodePlatform.openModel(id, { offline: true });
  expect(await failureOf(() => openModelForTasks(files, ["ask"]))).toMatchObject({ code: "hub/offline" });
});

test("a folder that the repository lacks, and an index that is too large, are rejected", async () => {
  const path = join(suite, "model_index.json");
  const text = await readFile(path, "utf8");
  try {
    await writeFile(path, text.replace('"ask": "ask"', '"ask": "nowhere"'));
    const files = await nodePlatform.openModel(id, {});
    const lacking = await failureOf(() => openModelForTasks(files, ["ask"]));
    expect(lacking).toMatchObject({ code: "suite/missing-part" });
    expect(lacking.message).toMatch(/expected ask in its folder nowhere/);
    await rm(home, { recursive: true });
    await writeFile(path, text + " ".repeat(70_000));
    expect(await failureOf(() => nodePlatform.openModel(id, {}))).toMatchObject({
      code: "model/side-file-too-large",
    });
    expect(hub.sent.filter((file) => file.endsWith("model_index.json"))).toHaveLength(1);
  } finally {
    await writeFile(path, text);
  }
});

test("of pytorch_model.bin.index.json all shards are fetched, and one that is missing is fetched again", async () => {
  const shards = [1, 2].map((number) => `pytorch_model-0000${number}-of-00002.bin`);
  const names = ["config.json", "preprocessor_config.json", "vocab.txt", "pytorch_model.bin.index.json"];
  const first = await scoresOf(shardedId);
  expect(first).toEqual(await scoresOf(fixture("tiny/match-f16")));
  expect(hub.sent).toEqual([...names, ...shards].map((file) => `${shardedId}/${file}`));
  expect(await scoresOf(shardedId, { offline: true })).toEqual(first);
  const commit = "0123456789abcdef0123456789abcdef01234567";
  const snapshot = join(home, "hub", "models--someone--blip-sharded", "snapshots", commit);
  const missing = join(snapshot, last(shards));
  await rm(await realpath(missing));
  await rm(missing);
  expect(await failureOf(() => scoresOf(shardedId, { offline: true }))).toMatchObject({
    code: "hub/offline",
  });
  expect(await scoresOf(shardedId)).toEqual(first);
  expect(hub.sent.slice(names.length + shards.length)).toEqual([`${shardedId}/${last(shards)}`]);
});
