// Training in a page: a real Chromium takes the steps that Node takes, on the same files.
import { copyFile, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { must } from "@blip-ts/base";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { train } from "../src/train/node/train.ts";
import type { TrainInPage } from "./page/train-in-page.ts";
import { chromiumPath, openBrowser } from "./support/browser.ts";
import { bundleForPage } from "./support/bundle-web.ts";
import { servePages } from "./support/page-server.ts";
import { root } from "./support/page-site.ts";
import { sceneData, sceneFile, sceneList } from "./support/training-scenes.ts";

declare const trainInPage: TrainInPage;

interface Step {
  readonly loss: number;
  readonly norm: number;
}

/** The rows of steps. */
const stepsOf = (metrics: string): Step[] =>
  metrics
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Step & { readonly ended?: number })
    .filter(({ ended }) => ended === undefined);

const relative = (a: number, b: number) => Math.abs(a / b - 1);

describe.skipIf(chromiumPath === undefined)("training in Chromium", () => {
  let folder: string;
  let code: Awaited<ReturnType<typeof bundleForPage>>;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "blip-page-training-"));
    const entry = fileURLToPath(new URL("page/train-in-page.ts", import.meta.url));
    code = await bundleForPage(folder, entry);
    await writeFile(
      join(folder, "index.html"),
      '<!doctype html><script type="module" src="script.js"></script>',
    );
  }, 120_000);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test("the first step's loss is Node's to 1e-5, and the next one's follows the update", async () => {
    const scenes = await sceneList(4);
    const data = join(folder, "data");
    const list = await sceneData(data, scenes, ({ image, true: caption }) => ({ image, caption }));
    for (const scene of scenes) await copyFile(sceneFile(scene), join(folder, scene.image));
    await copyFile(list, join(folder, "data.jsonl"));
    const options = { batchSize: 2, epochs: 2, lr: 1e-3, seed: 3 };
    const out = join(folder, "node");
    const report = await train("caption", list, {
      ...options,
      ...{ model: join(root, "fixtures/tiny/caption"), out, recipe: "few", augment: false },
      ...{ threads: 1, workers: 0 },
    });
    await using server = await servePages({
      folders: {
        "": folder,
        ort: join(root, "node_modules/onnxruntime-web/dist"),
        models: join(root, "packages/blip/models"),
        fixtures: join(root, "fixtures"),
      },
    });
    const browser = await openBrowser();
    try {
      const page = await browser.newPage();
      await page.goto(`${server.origin}/index.html`);
      await page.waitForFunction(() => "trainInPage" in globalThis);
      const names = ["data.jsonl", ...scenes.map(({ image }) => image)];
      const addresses = Object.fromEntries(names.map((name) => [name, `/${name}`]));
      const { metrics, sizes } = await page.evaluate(
        ([files, given]) => trainInPage(files, "data.jsonl", given),
        [addresses, { ...options, model: "/fixtures/tiny/caption/" }] as const,
      );
      const [found, expected] = [
        stepsOf(metrics),
        stepsOf(await readFile(join(out, "metrics.jsonl"), "utf8")),
      ];
      expect(expected).toHaveLength(4);
      expect(found).toHaveLength(4);
      expect(relative(must(found, 0).loss, must(expected, 0).loss)).toBeLessThan(1e-5);
      expect(relative(must(found, 0).norm, must(expected, 0).norm)).toBeLessThan(1e-4);
      // AdamW's first steps are lr times the sign of each gradient: of those that are 0 but for rounding, another engine's
      // has another sign.
      for (const [step, { loss }] of expected.entries())
        expect(relative(must(found, step).loss, loss), `step ${step}`).toBeLessThan(1e-3);
      // The update is more than that: without it, the last loss would be about the first.
      expect(relative(must(expected, 3).loss, must(expected, 0).loss)).toBeGreaterThan(1e-2);
      const { size } = await stat(join(report.model, "model.safetensors"));
      expect(sizes["model.safetensors"]).toBe(size);
    } finally {
      await browser.close();
    }
  });

  test("the worker bundles without Node's modules", () => {
    for (const one of Object.values(code)) expect(one).not.toMatch(/["'`]node:|\bBuffer\b|\brequire\(/);
  });
});
