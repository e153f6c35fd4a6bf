// The package in a real Chromium: captions by WebAssembly, in as many threads as everyone else.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Sample } from "@blip-ts/cli/bench";
import { chromiumPath, openBrowser } from "../packages/blip/test/support/browser.ts";
import { bundleForPage } from "../packages/blip/test/support/bundle-web.ts";
import { servePages } from "../packages/blip/test/support/page-server.ts";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** page/caption.mjs */
interface BenchPage {
  open(folder: string, settings: object, options: object): Promise<boolean>;
  image(): Promise<Sample>;
  greedy(): Promise<Sample>;
}

declare const benchPage: BenchPage;

export interface BrowserBench extends AsyncDisposable {
  sample(measure: "image" | "greedy"): Promise<Sample>;
}

/**
 * A page with a captioning model loaded.
 * @param model its folder
 * @throws {Error} where there is no Chromium, or the page is not isolated, so that it would have one thread
 */
export async function openBrowserBench(model: string, threads: number): Promise<BrowserBench> {
  if (chromiumPath === undefined) throw new Error("no Chromium is installed");
  const folder = await mkdtemp(join(tmpdir(), "blip-bench-"));
  const closers = [() => rm(folder, { recursive: true, force: true })];
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    await writeFile(
      join(folder, "index.html"),
      '<!doctype html><script type="module" src="script.js"></script>',
    );
    await bundleForPage(folder, here("page/caption.mjs"));
    const ort = here("../node_modules/onnxruntime-web/dist");
    const server = await servePages({ folders: { "": folder, model, ort } });
    closers.push(() => Promise.resolve(server[Symbol.asyncDispose]()));
    const browser = await openBrowser();
    closers.push(() => browser.close());
    const page = await browser.newPage();
    await page.goto(`${server.origin}/index.html`);
    await page.waitForFunction(() => "benchPage" in globalThis);
    // The browser's Cache would keep a copy of the checkpoint on disk.
    const settings = { runtime: "/ort/", cache: false };
    const isolated = await page.evaluate(([given, options]) => benchPage.open("/model/", given, options), [
      settings,
      { threads },
    ] as const);
    if (!isolated) throw new Error("the page is not isolated, so that it has one thread");
    return {
      sample: (measure) =>
        page.evaluate((name) => (name === "image" ? benchPage.image() : benchPage.greedy()), measure),
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
