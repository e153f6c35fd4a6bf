// A suite behind a URL: the requests of a page, and no additional request for a model without parts.
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { arrayOf, failureOf } from "@blip-ts/testing";
import { fakeCaches } from "../../../test/support/fake-caches.ts";
import { fixture } from "../../../test/support/goldens.ts";
import { tinyParts, tinySuite, type PartTask } from "../../../test/support/suites.ts";
import { openModelForTasks } from "../../load/open-suite.ts";
import { Matcher } from "../../verbs/match.ts";
import { nodePlatform } from "../node/node-platform.ts";
import { openRemoteModel } from "./remote-model.ts";

const origin = "http://page.example/";
let root = "";
let parts: Record<PartTask, string>;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "blip-page-suite-"));
  parts = await tinyParts(root);
  await tinySuite(parts, join(root, "suite"), ["match", "ask"]);
}, 120_000);
afterAll(() => rm(root, { recursive: true, force: true }));

let asked: string[];
let down: boolean;

/** A server of the folder, with range requests. */
async function answer(url: string, init: RequestInit = {}): Promise<Response> {
  if (down) throw new TypeError("Failed to fetch");
  const path = url.slice(origin.length);
  asked.push(path);
  const bytes = await readFile(join(root, ...path.split("/").map(decodeURIComponent))).catch(() => undefined);
  if (!bytes) return new Response("not there", { status: 404 });
  const headers = { etag: `"${bytes.length}"` };
  const range = /^bytes=(\d+)-(\d+)$/.exec(new Headers(init.headers).get("range") ?? "");
  if (!range) return new Response(new Uint8Array(bytes), { headers });
  const start = Number(range[1]);
  const part = new Uint8Array(bytes.subarray(start, Number(range[2]) + 1));
  const place = `bytes ${start}-${start + part.length - 1}/${bytes.length}`;
  return new Response(part, { status: 206, headers: { ...headers, "content-range": place } });
}

beforeEach(() => {
  asked = [];
  down = false;
  vi.stubGlobal("caches", fakeCaches());
  vi.stubGlobal("document", { baseURI: origin });
  vi.stubGlobal("fetch", answer);
});
afterEach(() => {
  vi.unstubAllGlobals();
});

const platform: typeof nodePlatform = { ...nodePlatform, openModel: openRemoteModel };

test("model_index.json is asked for where there are no weights, and then each file of the part", async () => {
  const files = await openRemoteModel("/suite/", {});
  expect(files.kind).toBe("suite");
  const names = [
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
    "model_index.json",
  ];
  expect(asked).toEqual(names.map((name) => `suite/${name}`));
  asked = [];
  const match = await openModelForTasks(files, ["match"]);
  const ask = await openModelForTasks(files, ["ask"]);
  await ask.files.read("config.json");
  expect(asked).toEqual(
    [
      ...["image_encoder/model.safetensors", "match/model.safetensors", "match/config.json"],
      ...["ask/model.safetensors", "ask/config.json"],
    ].map((name) => `suite/${name}`),
  );
  const encoder = "vision_model.post_layernorm.weight";
  expect(match.tensors.get(encoder)).toBe(ask.tensors.get(encoder));
});

test("a model without parts is asked for as before", async () => {
  await openRemoteModel("/of-match/", {});
  expect(asked).toEqual(["of-match/model.safetensors"]);
});

test("gives the part's own numbers, and again without a network", async () => {
  const scores = async (source: string, from = platform) => {
    await using matcher = await Matcher.load(from, source, { onWarning: () => undefined });
    return await arrayOf(matcher.match([fixture("../examples/scenes/01.png")], ["a dog"]));
  };
  const expected = await scores(parts.match, nodePlatform);
  expect(await scores("/suite/")).toEqual(expected);
  expect(asked.filter((path) => path.endsWith("_index.json"))).toHaveLength(1);
  down = true;
  expect(await scores("/suite/")).toEqual(expected);
});

test("where neither is there, both are named; a part that is not there, too", async () => {
  expect((await failureOf(() => openRemoteModel("/nowhere/", {}))).message).toMatch(
    /model\.safetensors.*or a suite's model_index\.json/,
  );
  const files = await openRemoteModel("/suite/", {});
  await rm(join(root, "suite", "ask"), { recursive: true });
  const lacking = await failureOf(() => openModelForTasks(files, ["ask"]));
  expect(lacking).toMatchObject({ code: "suite/missing-part" });
  expect(lacking.message).toMatch(/expected ask in its folder ask/);
});

test("an index that is too large is not read to its end", async () => {
  const path = join(root, "suite", "model_index.json");
  const text = await readFile(path, "utf8");
  await writeFile(path, text + " ".repeat(70_000));
  try {
    const error = await failureOf(() => openRemoteModel("/suite/", {}));
    expect(error).toMatchObject({ code: "model/read-failed" });
    expect(error.message).toMatch(/at most 65536 bytes/);
  } finally {
    await writeFile(path, text);
  }
});

test("shards of PyTorch are found by their index, in the folder's address or its own", async () => {
  await cp(fixture("tiny/match-f16-sharded-bin"), join(root, "sharded"), { recursive: true });
  const inOneFile = await openModelForTasks(await nodePlatform.openModel(fixture("tiny/match-f16"), {}), [
    "match",
  ]);
  for (const address of ["/sharded/", "/sharded/pytorch_model.bin.index.json"]) {
    asked = [];
    const { tensors, format } = await openModelForTasks(await openRemoteModel(address, {}), ["match"]);
    expect(format).toBe("torch-zip");
    expect([...tensors.keys()].sort()).toEqual([...inOneFile.tensors.keys()].sort());
    expect(asked.includes("sharded/model.safetensors")).toBe(address === "/sharded/");
  }
});
