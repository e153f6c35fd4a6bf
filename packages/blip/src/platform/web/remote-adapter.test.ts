// An adapter in a page, by the address of its folder; also a folder without an adapter, and an adapter in a model's
// place.
import { readFile } from "node:fs/promises";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { fakeCaches } from "../../../test/support/fake-caches.ts";
import { fixture } from "../../../test/support/goldens.ts";
import { readAdapter } from "../../adapter/index.ts";
import { openRemoteAdapter } from "./remote-adapter.ts";
import { openRemoteModel } from "./remote-model.ts";

const served: Readonly<Record<string, string>> = {
  "http://page.example/adapters/match/adapter_config.json": "adapter/match/adapter_config.json",
  "http://page.example/adapters/match/adapter_model.safetensors": "adapter/match/adapter_model.safetensors",
  "http://page.example/model/config.json": "tiny/match/config.json",
};

beforeEach(() => {
  vi.stubGlobal("caches", fakeCaches());
  vi.stubGlobal("document", { baseURI: "http://page.example/" });
  vi.stubGlobal("fetch", async (url: string, { headers }: RequestInit = {}) => {
    const file = served[url];
    if (file === undefined) return new Response("", { status: 404 });
    const bytes = await readFile(fixture(file));
    const [, start, end] = /bytes=(\d+)-(\d+)/.exec(new Headers(headers).get("range") ?? "") ?? [];
    if (start === undefined || end === undefined) return new Response(new Uint8Array(bytes));
    const part = new Uint8Array(bytes.subarray(Number(start), Number(end) + 1));
    const range = `bytes ${start}-${Number(start) + part.length - 1}/${bytes.length}`;
    return new Response(part, { status: 206, headers: { etag: '"1"', "content-range": range } });
  });
});
afterEach(() => {
  vi.unstubAllGlobals();
});

test("an adapter is found by the address of its folder", async () => {
  const files = await openRemoteAdapter("/adapters/match", {});
  const { updates, replaced } = await readAdapter(files);
  expect(updates.size).toBe(18);
  expect([...replaced.keys()].sort()).toEqual(["itm_head.bias", "itm_head.weight"]);
});

test("a model, and nothing, are rejected as adapters", async () => {
  await expect(openRemoteAdapter("/model/", {})).rejects.toThrow(/This is a model/);
  await expect(openRemoteAdapter("/none/", {})).rejects.toMatchObject({ code: "adapter/not-an-adapter" });
});

test("an adapter in a model's place is told from an empty folder", async () => {
  await expect(openRemoteModel("/adapters/match/", {})).rejects.toMatchObject({ code: "model/adapter" });
  await expect(openRemoteModel("/none/", {})).rejects.toMatchObject({ code: "model/no-weights" });
});
