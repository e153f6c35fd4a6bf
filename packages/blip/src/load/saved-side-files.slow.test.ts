// Side files as saved by transformers 4.26 to 5.23 (oracle/hf/side_files.py): a folder, the Hub and a page read the
// same settings as each version, and `convert` writes them again.
import { copyFile, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { fakeCaches } from "../../test/support/fake-caches.ts";
import { fixture } from "../../test/support/goldens.ts";
import { plainModel } from "../../test/support/plain-model.ts";
import { serveTinyHub } from "../../test/support/tiny-hub.ts";
import type { ModelFiles } from "../files.ts";
import { downloadModel } from "../platform/node/hub/download-model.ts";
import { nodePlatform } from "../platform/node/node-platform.ts";
import { openRemoteModel } from "../platform/web/remote-model.ts";
import { readGenerationConfig } from "../run/generation-defaults.ts";
import { convert } from "../tools/convert.ts";
import { readImageConfig } from "./image-settings.ts";
import { readJson, readTokenizer } from "./open-model.ts";

interface Reading {
  readonly image: { readonly mean: number[]; readonly std: number[]; readonly size: object };
  readonly ids: readonly number[][];
  /** The number of tokens of the last text, truncated without a limit in the call. */
  readonly cut: number;
}

interface Expected {
  readonly texts: readonly string[];
  readonly folders: Readonly<Record<string, Reading>>;
}

const { texts, folders } = JSON.parse(
  await readFile(fixture("side-files/expected.json"), "utf8"),
) as Expected;

let root = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "blip-side-files-"));
});
afterAll(async () => {
  vi.unstubAllGlobals();
  await rm(root, { recursive: true, force: true });
});

/** Settings of fixtures/side-files with the weights of fixtures/tiny/match. */
async function modelOf(saved: string): Promise<string> {
  const folder = await mkdtemp(join(root, "model-"));
  for (const name of ["config.json", "model.safetensors"])
    await copyFile(fixture(`tiny/match/${name}`), join(folder, name));
  for (const name of await readdir(fixture(`side-files/${saved}`)))
    await copyFile(fixture(`side-files/${saved}/${name}`), join(folder, name));
  return folder;
}

/** The settings read from a model's files. */
async function readingOf(files: ModelFiles) {
  const tokenizer = await readTokenizer(files, 127, () => Promise.reject(new Error("it has a vocabulary")));
  const image = await readImageConfig(files);
  const generation = await readJson(files, "generation_config.json");
  const { inputIds } = tokenizer.encode(texts.slice(-1), 64, { truncation: true });
  return {
    reading: {
      image: image && {
        ...{ mean: [...image.mean], std: [...image.std] },
        size: { height: image.height, width: image.width },
      },
      ids: texts.map((text) => tokenizer.ids(text)),
      cut: inputIds.data.length,
    },
    generation: generation && readGenerationConfig(generation, "generation_config.json"),
    warnings: tokenizer.warnings,
  };
}

const fromFolder = async (folder: string) => readingOf(plainModel(await nodePlatform.openModel(folder, {})));

/** Reads through a server that speaks the Hub's protocol. */
async function fromHub(folder: string) {
  await using hub = await serveTinyHub({ "someone/blip": folder }, new Uint8Array());
  const env = { HF_HOME: join(folder, "cache"), HF_ENDPOINT: hub.origin };
  return await fromFolder((await downloadModel("someone/blip", { env })).folder);
}

/** Reads like a page, which requests each file. */
async function fromPage(folder: string) {
  vi.stubGlobal("caches", fakeCaches());
  vi.stubGlobal("document", { baseURI: "http://page.example/" });
  vi.stubGlobal("fetch", async (url: string) => {
    const name = url.slice(url.lastIndexOf("/") + 1);
    const content = await readFile(join(folder, name)).catch(() => undefined);
    if (content === undefined) return new Response("", { status: 404 });
    if (!name.endsWith(".safetensors")) return new Response(new Uint8Array(content));
    const headers = { etag: '"1"', "content-range": "bytes 0-8/9" };
    return new Response(new Uint8Array(content.subarray(0, 9)), { status: 206, headers });
  });
  try {
    return await readingOf(plainModel(await openRemoteModel("someone/blip", {})));
  } finally {
    vi.unstubAllGlobals();
  }
}

const generation = { beams: 4, maxLength: 15, repetitionPenalty: 1.25 };

describe.each(Object.entries(folders))("saved by transformers %s", (saved, expected) => {
  // 4.26 does not count BLIP among the generating models.
  const own = saved.startsWith("4.26") ? undefined : generation;

  test("a folder, the Hub and a page say what that version says", async () => {
    const folder = await modelOf(saved);
    const wanted = { reading: expected, generation: own, warnings: [] };
    expect(await fromFolder(folder)).toEqual(wanted);
    expect(await fromPage(folder)).toEqual(wanted);
    expect(await fromHub(folder)).toEqual(wanted);
  });

  test("a converted folder says it as well", async () => {
    const folder = await modelOf(saved);
    await convert(nodePlatform, folder, join(folder, "out"), { onWarning: () => undefined });
    const { reading, ...rest } = await fromFolder(join(folder, "out"));
    expect({ reading, ...rest }).toEqual({ reading: expected, generation: own, warnings: [] });
  });
});

test("the versions differ in what they say, and in the files that say it", () => {
  const readings = Object.values(folders);
  expect(readings).toHaveLength(10);
  expect(new Set(readings.map(({ ids }) => JSON.stringify(ids))).size).toBeGreaterThan(5);
  expect(new Set(readings.map(({ cut }) => cut))).toEqual(new Set([16, 34]));
});
