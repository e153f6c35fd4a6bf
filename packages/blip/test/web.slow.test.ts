// The package in a page: a real Chromium and the goldens of transformers. Where models come from is in
// web-checkpoints.slow.test.ts, pictures in web-pictures.slow.test.ts.
import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { match as matchInNode } from "blip-ts";
import type { Browser, Page } from "playwright-core";
import { build } from "vite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BertTokenizer } from "../src/text/word-piece.ts";
import { chromiumPath, openBrowser } from "./support/browser.ts";
import {
  fixture,
  goldenJson,
  goldenTensors,
  optionsOf,
  unpadded,
  type GeneratedCase,
} from "./support/goldens.ts";
import { servePages, type PageServer } from "./support/page-server.ts";
import { makeSite, openPage, root, type PageSite } from "./support/page-site.ts";
import { expectNear, plainTensor } from "./support/plain-tensors.ts";
import type { InPage } from "./page/in-page.ts";

declare const inPage: InPage;

let site: PageSite;
beforeAll(async () => {
  site = await makeSite();
}, 120_000);
afterAll(() => site[Symbol.asyncDispose]());

async function loadTokenizer(model: string): Promise<BertTokenizer> {
  return BertTokenizer.fromVocabulary(await readFile(fixture(`${model}/vocab.txt`), "utf8"), model);
}

test("bundles without Node's modules, globals or shims", () => {
  for (const code of Object.values(site.bundled)) {
    expect(code).not.toMatch(/["'`]node:|\bBuffer\b|\brequire\(|\b__dirname\b/);
    // A dependency looks whether there is a process, and asks nothing of it where there is none.
    expect(code.replaceAll(/typeof process|typeof process\.env/g, "")).not.toMatch(/\bprocess\.(?!env\b)/);
  }
});

describe.skipIf(chromiumPath === undefined)("in Chromium", () => {
  let browser: Browser;
  let server: PageServer;
  let page: Page;

  const open = (at: PageServer, by = browser) => openPage(at, by);

  beforeAll(async () => {
    browser = await openBrowser();
    server = await site.serve();
    page = await open(server);
  }, 120_000);
  afterAll(async () => {
    await browser.close();
    await server[Symbol.asyncDispose]();
  });

  interface SceneGolden {
    readonly rows: readonly {
      readonly image: string;
      readonly text: string;
      readonly logits: [number, number];
      readonly probability: number;
      readonly cosine: number;
    }[];
  }

  test("the embedded model gives transformers' scores of every example scene", async () => {
    const { rows: expected } = await goldenJson<SceneGolden>("picture-book");
    const images = [...new Set(expected.map(({ image }) => `/scenes/${image}`))];
    const texts = [...new Set(expected.map(({ text }) => text))];
    const rows = await page.evaluate(([some, all]) => inPage.scenes(some, all), [images, texts] as const);
    expect(rows).toHaveLength(images.length * texts.length);
    for (const one of expected) {
      const found = rows.find(
        (row) => row.image === `/scenes/${one.image}` && "text" in row && row.text === one.text,
      );
      if (!found || "error" in found) throw new Error(`no row for ${one.image}`);
      // As in Node: logits up to 6 in size, float32 in another order moves them by 1e-5.
      expect(Math.abs(found.logits[0] - one.logits[0])).toBeLessThan(5e-5);
      expect(Math.abs(found.logits[1] - one.logits[1])).toBeLessThan(5e-5);
      expect(Math.abs(found.probability - one.probability)).toBeLessThan(1e-5);
      expect(Math.abs(found.cosine - one.cosine)).toBeLessThan(1e-5);
    }
  });

  describe("matching", async () => {
    const golden = await goldenJson<{ readonly texts: readonly string[] }>("match");
    const tensors = await goldenTensors("match");
    const pixels = plainTensor(await tensors.floats("pixel_values"));

    test.each([
      ["match", "itm_score", "safetensors"],
      ["match-sharded", "itm_score", "sharded safetensors"],
      ["match-bin", "itm_score", "pytorch_model.bin"],
      ["match-legacy", "itm_score", "the stream of old torch"],
      ["match-f16", "itm_score.f16", "float16 weights"],
      ["match-bf16", "itm_score.bf16", "bfloat16 weights"],
      ["match-f64-bin", "itm_score", "float64 weights"],
    ])("gives transformers' logits from %s (%s)", async (model, name) => {
      const found = await page.evaluate(([place, texts, values]) => inPage.logits(place, texts, values), [
        `/fixtures/tiny/${model}/`,
        golden.texts,
        pixels,
      ] as const);
      // float32 sums in another order move these logits (about 1) by 1e-6.
      expectNear(found.itmScore, await tensors.floats(name), 1e-5);
      if (name === "itm_score") expectNear(found.cosine, await tensors.floats("cosine"), 1e-5);
    });

    /** Scores on a page of its own, and how many threads WebAssembly starts beside the session's own worker. */
    async function counted(at: PageServer, threads: number) {
      await writeFile(
        join(site.folder, "count-threads.js"),
        `const Plain = self.Worker;
        self.Worker = class extends Plain {
          constructor(...given) {
            super(...given);
            const channel = new BroadcastChannel("threads");
            channel.postMessage("started");
            channel.close();
          }
        };`,
      );
      await writeFile(
        join(site.folder, "counted-worker.js"),
        'import "./count-threads.js"; import "./web-session-worker.js";',
      );
      const other = await open(at);
      await other.evaluate(() => inPage.configure({ worker: "/counted-worker.js" }));
      const [isolated, started, found] = await other.evaluate(
        async ([texts, values, count]) => {
          let scores: Awaited<ReturnType<InPage["logits"]>> | undefined;
          const began = await inPage.threadsStarted(async () => {
            scores = await inPage.logits("/fixtures/tiny/match/", texts, values, { threads: count });
          });
          return [inPage.isolated(), began, scores] as const;
        },
        [golden.texts, pixels, threads] as const,
      );
      if (!found) throw new Error("there are no scores");
      expectNear(found.itmScore, await tensors.floats("itm_score"), 1e-5);
      await other.context().close();
      return { isolated, started };
    }

    test("works in as many threads as are asked for where the page is isolated, else in one", async () => {
      expect(await counted(server, 3)).toEqual({ isolated: true, started: 2 });
      await using plain = await site.serve({ isolated: false });
      expect(await counted(plain, 4)).toEqual({ isolated: false, started: 0 });
    });

    test("leaves the page alive while the network computes", async () => {
      const [longest, whole] = await page.evaluate(async () => {
        const start = performance.now();
        const images = Array.from({ length: 12 }, () => "/scenes/01.png");
        const pause = await inPage.longestPause(() => inPage.match(images, ["a dog", "a small sheep"]));
        return [pause, performance.now() - start];
      });
      // The work is seconds of matrix products; a page that did it itself would stand still for most of it.
      expect(longest).toBeLessThan(whole / 4);
    });
  });

  /** The tiny captioning model over the goldens' cases. */
  async function captions(loading: Parameters<InPage["captions"]>[3] = {}) {
    const { cases } = await goldenJson<{ readonly cases: readonly GeneratedCase[] }>("caption");
    const tensors = await goldenTensors("caption");
    const tokenizer = await loadTokenizer("tiny/caption");
    const chosen = cases.filter(({ sepBias }) => sepBias === 0);
    const found = await page.evaluate(
      ([pixels, given, options]) => inPage.captions("/fixtures/tiny/caption/", pixels, given, options),
      [
        plainTensor(await tensors.floats("pixel_values")),
        chosen.map((one) => ({
          options: optionsOf(one),
          prompt: one.prompt === null ? undefined : tokenizer.ids(one.prompt),
          rows: one.rows.length,
        })),
        loading,
      ] as const,
    );
    return { chosen, found };
  }

  test("captions are transformers', greedy and with beams", async () => {
    const { chosen, found } = await captions();
    expect(found.map((rows) => rows.map((row) => row.map(({ tokens }) => tokens)))).toEqual(
      chosen.map(({ rows }) => rows.map(({ sequences }) => sequences.map(unpadded))),
    );
  });

  // What their kernels in WebAssembly must not lose; halves go from step to step in arrays that newer browsers have.
  // As in Node (tools/quantize.slow.test.ts): 6 %, or 0.4 %, of numbers of about 4.
  test.each([
    ["int8", 0.25],
    ["fp16", 0.016],
  ] as const)("captions in %s begin as probably as in float32", async (dtype, near) => {
    const best = async (type: "fp32" | typeof dtype) =>
      (await captions({ dtype: type })).found.map(([row]) => ({
        probability: row?.[0]?.tokenLogProbabilities[0] ?? NaN,
        tokens: row?.[0]?.tokens.slice(0, 2).join(),
      }));
    const [exact, rounded] = [await best("fp32"), await best(dtype)];
    const differences = exact.flatMap(({ probability, tokens }, index) => {
      const other = rounded[index];
      return other && other.tokens === tokens ? [Math.abs(other.probability - probability)] : [];
    });
    // Beams of random weights are nearly as good as each other: some begin otherwise.
    expect(differences.length).toBeGreaterThan(exact.length / 2);
    const worst = Math.max(...differences);
    expect(worst).toBeGreaterThan(0);
    expect(worst).toBeLessThan(near);
  });

  test("answers are transformers'", async () => {
    const { cases, questions } = await goldenJson<{
      readonly cases: readonly GeneratedCase[];
      readonly questions: readonly string[];
    }>("vqa");
    const tensors = await goldenTensors("vqa");
    const chosen = cases.filter(({ sepBias }) => sepBias === 0);
    const found = await page.evaluate(
      ([pixels, asked, given]) => inPage.answers("/fixtures/tiny/vqa/", pixels, asked, given),
      [
        plainTensor(await tensors.floats("pixel_values")),
        questions,
        chosen.map((one) => ({ options: optionsOf(one), rows: one.rows.length })),
      ] as const,
    );
    expect(found.map((rows) => rows.map((row) => row.map(({ tokens }) => tokens)))).toEqual(
      chosen.map(({ rows }) => rows.map(({ sequences }) => sequences.map(unpadded))),
    );
  });

  test("works as Vite bundles it, with nothing said of where its files are", async () => {
    const place = await mkdtemp(join(site.folder, "vite-"));
    await writeFile(
      join(place, "index.html"),
      '<!doctype html><link rel="icon" href="data:," /><script type="module" src="./main.js"></script>',
    );
    await writeFile(
      join(place, "main.js"),
      'import { match } from "blip-ts";\n' +
        'globalThis.probability = async () => (await match(["/scenes/01.png"], ["a small sheep on a purple background"]))[0].probability;\n',
    );
    await build({
      root: place,
      logLevel: "silent",
      build: { target: "esnext" },
      worker: { format: "es" },
      resolve: { alias: { "blip-ts": join(root, "packages/blip/dist/web.js") } },
    });
    await using own = await servePages({
      folders: { "": join(place, "dist"), scenes: join(root, "examples/scenes") },
    });
    const opened = await browser.newPage();
    await opened.goto(`${own.origin}/index.html`);
    await opened.waitForFunction('"probability" in globalThis');
    const [row] = await matchInNode(
      [join(root, "examples/scenes/01.png")],
      ["a small sheep on a purple background"],
    );
    if (!row || row.error) throw new Error("Node gave no score");
    expect(await opened.evaluate("probability()")).toBeCloseTo(row.probability, 4);
    await opened.close();
  });

  describe("on WebGPU", async () => {
    const match = await goldenJson<{ readonly texts: readonly string[] }>("match");
    const matchTensors = await goldenTensors("match");
    const { cases } = await goldenJson<{ readonly cases: readonly GeneratedCase[] }>("caption");
    const captionTensors = await goldenTensors("caption");
    let gpu: Browser;
    let opened: Page;

    beforeAll(async () => {
      // Chromium's own renderer in software, where there is no GPU.
      gpu = await openBrowser(["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"]);
      opened = await open(server, gpu);
    }, 120_000);
    afterAll(() => gpu.close());

    test("gives transformers' logits", async ({ skip }) => {
      if (!(await opened.evaluate(() => inPage.hasGpu()))) skip("this Chromium has no adapter");
      const found = await opened.evaluate(
        ([texts, values]) => inPage.logits("/fixtures/tiny/match/", texts, values, { device: "webgpu" }),
        [match.texts, plainTensor(await matchTensors.floats("pixel_values"))] as const,
      );
      // Its products are summed in other orders than the processor's; logits of about 1.
      expectNear(found.itmScore, await matchTensors.floats("itm_score"), 1e-4);
      expectNear(found.cosine, await matchTensors.floats("cosine"), 1e-4);
    });

    test("captions as transformers does, its caches on the device", async ({ skip }) => {
      if (!(await opened.evaluate(() => inPage.hasGpu()))) skip("this Chromium has no adapter");
      // Software is slow: one greedy case and one with beams.
      const chosen = [1, 3].flatMap((beams) => {
        const found = cases.find(
          ({ sepBias, prompt, options }) => sepBias === 0 && prompt === null && options.num_beams === beams,
        );
        return found ?? [];
      });
      expect(chosen).toHaveLength(2);
      const found = await opened.evaluate(
        ([pixels, given]) => inPage.captions("/fixtures/tiny/caption/", pixels, given, { device: "webgpu" }),
        [
          plainTensor(await captionTensors.floats("pixel_values")),
          chosen.map((one) => ({ options: optionsOf(one), prompt: undefined, rows: 1 })),
        ] as const,
      );
      expect(found.map((rows) => rows.map((row) => row.map(({ tokens }) => tokens)))).toEqual(
        chosen.map(({ rows }) => rows.slice(0, 1).map(({ sequences }) => sequences.map(unpadded))),
      );
    });

    test("is refused where there is no adapter, and so is what no page has", async () => {
      for (const device of ["webgpu", "cuda"] as const) {
        const refused = await page.evaluate(
          ([texts, values, name]) =>
            inPage.failure(inPage.logits("/fixtures/tiny/match/", texts, values, { device: name })),
          [match.texts, plainTensor(await matchTensors.floats("pixel_values")), device] as const,
        );
        expect(refused.code).toBe("model/device");
        expect(refused.message).toContain("cpu");
      }
    });
  });
});
