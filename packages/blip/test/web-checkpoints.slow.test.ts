// Where a page has its models from: ranges and whole files, other origins, the Hub, the browser's cache; and what is said
// where there is none.
import { existsSync } from "node:fs";
import { cp, mkdtemp, readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import type { InPage } from "./page/in-page.ts";
import { chromiumPath } from "./support/browser.ts";
import { fixture, goldenJson, goldenTensors } from "./support/goldens.ts";
import type { PageServer } from "./support/page-server.ts";
import { openPage, pageForTests } from "./support/page-site.ts";
import { expectNear, plainTensor } from "./support/plain-tensors.ts";

declare const inPage: InPage;

describe.skipIf(chromiumPath === undefined)("checkpoints in Chromium", async () => {
  const underTest = pageForTests();
  const open = (at: PageServer) => openPage(at, underTest().browser);

  const golden = await goldenJson<{ readonly texts: readonly string[] }>("match");
  const tensors = await goldenTensors("match");
  const pixels = plainTensor(await tensors.floats("pixel_values"));

  /** A matching model with 40 MB of a decoder that matching does not need, in the middle of the file. */
  async function withDecoder(): Promise<string> {
    const place = await mkdtemp(join(underTest().site.folder, "large-"));
    await cp(fixture("tiny/match"), place, { recursive: true });
    const file = join(place, "model.safetensors");
    const bytes = await readFile(file);
    const length = Number(bytes.readBigUInt64LE(0));
    const header = JSON.parse(bytes.toString("utf8", 8, 8 + length)) as Record<
      string,
      { dtype?: string; shape?: number[]; data_offsets?: [number, number] }
    >;
    const size = 40_000_000;
    const ends = Object.values(header).flatMap((one) => one.data_offsets?.[1] ?? []);
    const middle = ends.sort((a, b) => a - b)[Math.floor(ends.length / 2)] ?? 0;
    for (const one of Object.values(header))
      if (one.data_offsets && one.data_offsets[0] >= middle)
        one.data_offsets = [one.data_offsets[0] + size, one.data_offsets[1] + size];
    header["text_decoder.unused"] = {
      dtype: "F32",
      shape: [size / 4],
      data_offsets: [middle, middle + size],
    };
    const text = Buffer.from(JSON.stringify(header));
    const head = Buffer.alloc(8);
    head.writeBigUInt64LE(BigInt(text.length));
    const data = bytes.subarray(8 + length);
    await writeFile(
      file,
      Buffer.concat([head, text, data.subarray(0, middle), Buffer.alloc(size), data.subarray(middle)]),
    );
    return `/${basename(place)}/`;
  }
  const bytesOf = ({ requests }: PageServer) =>
    requests.reduce((sum, { range, bytes }) => sum + (range === undefined ? 0 : bytes), 0);
  const load = (at: Page, model: string, options: { offline?: boolean } = {}) =>
    at.evaluate(([place, texts, values, given]) => inPage.load(place, texts, values, given), [
      model,
      golden.texts,
      pixels,
      options,
    ] as const);

  test("fetches what the task needs, once; then it is in the cache, with and without a network", async () => {
    await using own = await underTest().site.serve();
    const model = await withDecoder();
    const opened = await open(own);
    own.breakOff(1);
    const first = await load(opened, model);
    expectNear(first.itmScore, await tensors.floats("itm_score"), 1e-5);
    // The file has 40.5 MB, of which the decoder's are not asked for.
    expect(bytesOf(own)).toBeLessThan(6_000_000);
    const last = first.progress.at(-1);
    expect(last?.loaded).toBe(last?.total);
    expect(first.progress.map(({ loaded }) => loaded)).toEqual(
      first.progress.map(({ loaded }) => loaded).sort((a, b) => a - b),
    );

    own.requests.length = 0;
    const again = await load(opened, model);
    expect(again.itmScore).toEqual(first.itmScore);
    // The beginning is asked for to learn whether the file is another one.
    expect(own.requests.flatMap(({ range }) => range ?? [])).toSatisfy((ranges: string[]) =>
      ranges.every((range) => range.startsWith("bytes=0-")),
    );

    own.requests.length = 0;
    const offline = await load(opened, model, { offline: true });
    expect(offline.itmScore).toEqual(first.itmScore);
    expect(own.requests.filter(({ path }) => path.startsWith(model))).toEqual([]);

    // Another file under the same name: what was kept of the old one is not used.
    const file = join(underTest().site.folder, model, "model.safetensors");
    await cp(fixture("tiny/match/model.safetensors"), file);
    own.requests.length = 0;
    expectNear((await load(opened, model)).itmScore, await tensors.floats("itm_score"), 1e-5);
    expect(bytesOf(own)).toBeGreaterThan(200_000);

    await opened.route("**/model.safetensors", (route) => route.abort());
    const cut = await load(opened, model);
    expect(cut.warnings).toContain("hub/from-cache");
    expect(await opened.evaluate(() => inPage.clearCache())).toContain(
      `${own.origin}${model}model.safetensors`,
    );
    const refused = await opened.evaluate(
      ([place, texts, values]) => inPage.failure(inPage.load(place, texts, values)),
      [model, golden.texts, pixels] as const,
    );
    expect(refused.code).toBe("hub/unreachable");
    await opened.context().close();
  });

  test("takes the whole file from a server without ranges", async () => {
    await using whole = await underTest().site.serve({ ranges: false });
    const opened = await open(whole);
    expectNear(
      (await load(opened, "/fixtures/tiny/match-bin/")).itmScore,
      await tensors.floats("itm_score"),
      1e-5,
    );
    const { requests } = whole;
    expect(requests.filter(({ path }) => path.endsWith("pytorch_model.bin"))).toHaveLength(2);
    // It is in the cache as a whole now.
    const offline = await load(opened, "/fixtures/tiny/match-bin/", { offline: true });
    expectNear(offline.itmScore, await tensors.floats("itm_score"), 1e-5);
    expect((await load(opened, "/fixtures/tiny/match-bin/")).progress).toEqual([]);
    await opened.context().close();
  });

  test("reads another origin's files where it shares them, and says what is wrong where it does not", async () => {
    await using shared = await underTest().site.serve({ cors: true });
    expectNear(
      (await load(underTest().page, `${shared.origin}/fixtures/tiny/match/`)).itmScore,
      await tensors.floats("itm_score"),
      1e-5,
    );
    await using closed = await underTest().site.serve();
    const refused = await underTest().page.evaluate(
      ([place, texts, values]) => inPage.failure(inPage.load(place, texts, values)),
      [`${closed.origin}/fixtures/tiny/match/`, golden.texts, pixels] as const,
    );
    expect(refused).toMatchObject({ code: "hub/unreachable" });
    expect(refused.message).toContain("Access-Control-Allow-Origin");
  });

  test("takes a Hub id from the endpoint that it is told", async () => {
    const opened = await open(underTest().server);
    await opened.route("**/hub/someone/model/resolve/v1/*", (route) => {
      const file = route.request().url().split("/").at(-1) ?? "";
      const path = fixture(`tiny/match/${file}`);
      return route.fulfill(existsSync(path) ? { path, headers: { etag: '"1"' } } : { status: 404 });
    });
    await opened.evaluate(() => inPage.configure({ hub: "/hub" }));
    const found = await opened.evaluate(
      ([texts, values]) => inPage.load("someone/model", texts, values, { revision: "v1" }),
      [golden.texts, pixels] as const,
    );
    expectNear(found.itmScore, await tensors.floats("itm_score"), 1e-5);
    await opened.context().close();
  });

  test("says what to install where there is no engine, and what a model may be", async () => {
    const opened = await open(underTest().server);
    const refused = async (model: string) =>
      opened.evaluate(([place, texts, values]) => inPage.failure(inPage.load(place, texts, values)), [
        model,
        golden.texts,
        pixels,
      ] as const);
    expect(await refused("no-model")).toMatchObject({ code: "model/not-found" });
    expect(await refused("/fixtures/")).toMatchObject({ code: "model/no-weights" });
    expect(await refused("/fixtures/none.safetensors")).toMatchObject({ code: "model/not-found" });
    await opened.evaluate(() => inPage.configure({ runtime: "/nowhere/" }));
    const missing = await refused("/fixtures/tiny/match/");
    expect(missing.code).toBe("model/no-runtime");
    expect(missing.message).toContain("npm i onnxruntime-web");
    // Browsers start no worker from another origin.
    await using elsewhere = await underTest().site.serve();
    const foreign = `${elsewhere.origin}/web-session-worker.js`;
    await opened.evaluate((worker) => inPage.configure({ runtime: "/ort/", worker }), foreign);
    const unstarted = await refused("/fixtures/tiny/match/");
    expect(unstarted.code).toBe("model/no-runtime");
    expect(unstarted.message).toContain("configure({ worker:");
    await opened.context().close();
  });
});
