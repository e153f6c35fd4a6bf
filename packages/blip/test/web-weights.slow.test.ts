// Converted weights in a page: kept in the browser's Cache, found by the next load, which fetches nothing of the originals
// but their header; made anew where they are stale; in memory where the browser keeps nothing.
import { utimes } from "node:fs/promises";
import { join } from "node:path";
import { Matcher, quantize } from "blip-ts";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { InPage } from "./page/in-page.ts";
import { chromiumPath, openBrowser } from "./support/browser.ts";
import type { PageServer } from "./support/page-server.ts";
import { embeddedAsFloats } from "./support/embedded-floats.ts";
import { makeSite, openPage, root, visit, type PageSite } from "./support/page-site.ts";

declare const inPage: InPage;

const images = ["01.png", "02.png"];
const texts = ["a small sheep on a purple background", "a tulip above a cow on a red background"];
const pages = images.map((name) => `/scenes/${name}`);

type Dtype = "fp16" | "int8";

describe.skipIf(chromiumPath === undefined)("converted weights in Chromium", () => {
  let site: PageSite;
  let server: PageServer;
  let browser: Browser;
  let page: Page;
  let model: string;
  let models = 0;

  beforeAll(async () => {
    site = await makeSite();
    server = await site.serve();
    browser = await openBrowser();
  }, 120_000);
  afterAll(async () => {
    await browser.close();
    await server[Symbol.asyncDispose]();
    await site[Symbol.asyncDispose]();
  });

  // The embedded model's matching network under an address of its own, of which a page of its own knows nothing.
  beforeEach(async () => {
    const name = `model-${models++}`;
    model = `/${name}/`;
    await embeddedAsFloats(join(site.folder, name));
    page = await openPage(server, browser);
    server.requests.length = 0;
    return () => page.context().close();
  });

  const weights = () => `${model}model.safetensors`;
  /** Bytes of the original weights that were served since the last call. */
  const served = () => {
    const asked = server.requests.filter(({ path }) => path === weights());
    server.requests.length = 0;
    return asked.reduce((sum, { bytes }) => sum + bytes, 0);
  };
  const load = (dtype: Dtype, more: { offline?: boolean; meanwhile?: "pieces are thrown away" } = {}) =>
    page.evaluate(([place, some, all, options]) => inPage.scored(place, some, all, options), [
      model,
      pages,
      texts,
      { dtype, ...more },
    ] as const);
  const kept = () => page.evaluate(() => inPage.kept());
  const originals = () => `blip-ts/1 ${server.origin}${weights()}`;
  const derived = (dtype: "float16" | "int8") => `blip-ts/derived/1 ${dtype} ${server.origin}${weights()}`;

  async function inNode(dtype: Dtype): Promise<number[][]> {
    await using matcher = await Matcher.fromPretrained("picture-book", { dtype });
    const logits = [];
    const places = images.map((name) => join(root, "examples/scenes", name));
    for await (const row of matcher.match(places, texts))
      logits.push("error" in row ? [] : [...row.logits, row.cosine]);
    return logits;
  }

  const largestDifference = (a: readonly (readonly number[])[], b: readonly (readonly number[])[]) =>
    Math.max(...a.flat().map((value, index) => Math.abs(value - (b.flat()[index] ?? NaN))));

  test.each<[Dtype, "float16" | "int8", number]>([
    // Logits up to 6 in size: the same 8-bit numbers, but activations that another engine's float32 sums put on the
    // other side of a rounding.
    ["int8", "int8", 0.02],
    // Halves have 11 bits, and another engine rounds to them elsewhere.
    ["fp16", "float16", 0.01],
  ])(
    "%s: the next load of the page converts nothing and fetches only the header",
    async (dtype, type, near) => {
      const first = await load(dtype);
      expect(first.converted).toBeGreaterThan(10);
      expect(first.warnings).toEqual([]);
      expect(largestDifference(first.logits, await inNode(dtype))).toBeLessThan(near);
      // All of the 12 MB, to be converted.
      expect(served()).toBeGreaterThan(10_000_000);
      const found = await kept();
      expect(found[derived(type)]?.bytes).toBeGreaterThan(2_000_000);
      // What was fetched of the original to be converted is not kept as well.
      expect(found[originals()]?.bytes).toBeLessThan(300_000);

      await visit(page, server);
      served();
      const second = await load(dtype);
      expect(second).toEqual({ logits: first.logits, warnings: [], converted: 0 });
      // The beginning, which says whether the file is another one.
      expect(served()).toBe(65_536);

      const offline = await load(dtype, { offline: true });
      expect(offline).toEqual(second);
      expect(served()).toBe(0);
    },
  );

  test.each(["int8", "fp16"] as const)("%s: a folder that quantize wrote is used as it is", async (dtype) => {
    const name = `quantized-${dtype}`;
    await quantize("picture-book", join(site.folder, name), { dtype, task: "match" });
    // 8 bits are the file's own type; halves compute in float32 unless told.
    const options = dtype === "fp16" ? { dtype } : {};
    const found = await page.evaluate(([place, some, all, more]) => inPage.scored(place, some, all, more), [
      `/${name}/`,
      pages,
      texts,
      options,
    ] as const);
    expect(found).toMatchObject({ warnings: [], converted: 0 });
    expect(largestDifference(found.logits, await inNode(dtype))).toBeLessThan(dtype === "int8" ? 0.02 : 0.01);
    expect(Object.keys(await kept()).filter((one) => one.includes("derived"))).toEqual([]);
  });

  test("are made anew for another file of the same name, and the old ones go", async () => {
    const first = await load("int8");
    const before = await kept();
    await utimes(join(site.folder, weights()), new Date(), new Date(Date.now() + 5000));
    expect(await load("int8")).toEqual(first);
    expect(await kept()).toEqual(before);
    expect((await load("int8")).converted).toBe(0);
  });

  test("are not used half-written, as a page leaves them that is closed", async () => {
    await page.evaluate(([place, options]) => inPage.beginConverting(place, 2_500_000, options), [
      model,
      { dtype: "int8" },
    ] as const);
    await visit(page, server);
    const half = (await kept())[derived("int8")];
    expect(half?.bytes).toBeGreaterThan(1_000_000);
    expect((await load("int8")).converted).toBeGreaterThan(30);
    expect((await load("int8")).converted).toBe(0);
    expect((await kept())[derived("int8")]?.places).toBeGreaterThan(half?.places ?? Infinity);
  });

  test("are made in memory, with one warning, where the browser keeps nothing", async () => {
    const { logits, converted } = await load("int8");
    await visit(page, server);
    await page.evaluate(() => inPage.clearCache());
    await page.evaluate(() => inPage.refuseStorage());
    for (const time of ["first", "second"])
      expect(await load("int8"), time).toEqual({
        ...{ logits, warnings: ["weights/not-kept"] },
        // The tensors that stay as they are need not be copied.
        converted: expect.toSatisfy((count: number) => count > 10 && count < converted) as number,
      });
  });

  test("are made in memory, once and with one warning, where the room is used up", async () => {
    const { logits, converted } = await load("int8");
    await visit(page, server);
    await page.evaluate(() => inPage.clearCache());
    await page.evaluate(() => inPage.refuseStorage(2));
    for (const time of ["first", "second"])
      expect(await load("int8"), time).toEqual({ logits, converted, warnings: ["weights/not-kept"] });
    expect((await kept())[derived("int8")]).toBeUndefined();
  });

  test("are made again in memory where the browser throws them away while the model is used", async () => {
    const first = await load("int8");
    const cleared = await load("int8", { meanwhile: "pieces are thrown away" });
    expect(cleared.logits).toEqual(first.logits);
    expect(cleared.converted).toBe(first.converted);
  });

  test("go with the file's other parts when its cache is cleared", async () => {
    await load("int8");
    const cleared = await page.evaluate((url) => inPage.clearCache(url), weights());
    expect(cleared).toEqual([`${server.origin}${weights()}`]);
    const left = Object.keys(await kept());
    expect(left.filter((name) => name.includes(weights()))).toEqual([]);
    expect(left.length).toBeGreaterThan(0);
  });
});
