// The embedded model in a page: the listed files are those of the folder, and no others are requested.
import { readdir } from "node:fs/promises";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { fakeCaches } from "../../../test/support/fake-caches.ts";
import { embeddedFiles } from "./embedded-files.ts";

const models = fileURLToPath(new URL("../../../models", import.meta.url));

beforeEach(() => {
  vi.stubGlobal("caches", fakeCaches());
  vi.stubGlobal("document", { baseURI: "http://page.example/" });
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.doUnmock("./embedded-files.ts");
});

test("every file of models/ is listed for bundlers, except the model card", async () => {
  const found = await readdir(models, { recursive: true, withFileTypes: true });
  const files = found
    .filter((entry) => entry.isFile() && entry.name !== "README.md")
    .map((entry) => relative(models, `${entry.parentPath}/${entry.name}`).replaceAll("\\", "/"));
  expect(Object.keys(embeddedFiles).sort()).toEqual(files.sort());
  for (const [file, url] of Object.entries(embeddedFiles)) expect(url().href).toMatch(`/models/${file}`);
});

test("an embedded suite is opened by its index, without requests for files that the package lacks", async () => {
  const listed = ["model_index.json", "image_encoder/model.safetensors", "ask/model.safetensors"];
  const requested: string[] = [];
  vi.stubGlobal("fetch", (url: string) => {
    requested.push(url);
    const weights = { status: 206, headers: { etag: '"1"', "content-range": "bytes 0-8/9" } };
    return Promise.resolve(
      url.endsWith(".json") ? new Response("{}") : new Response(new Uint8Array(9), weights),
    );
  });
  const address = (file: string) => `http://page.example/models/${file}`;
  vi.doMock("./embedded-files.ts", () => ({
    embeddedModel: "picture-book",
    embeddedUrl: (file: string) =>
      listed.some((name) => file === `picture-book/${name}`) ? address(file) : undefined,
  }));
  const { openRemoteModel } = await import("./remote-model.ts");
  const files = await openRemoteModel("picture-book", {});
  if (files.kind !== "suite") throw new Error("expected a suite");
  expect(files.index).toBe("{}");
  const part = await files.openFolder("ask");
  expect(part).toMatchObject({ name: "picture-book/ask", embedded: true });
  expect(await part.read("config.json")).toBeUndefined();
  expect([...new Set(requested)]).toEqual([
    address("picture-book/model_index.json"),
    address("picture-book/ask/model.safetensors"),
  ]);
});
