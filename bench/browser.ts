// Runs the package in Chromium: captions by WebAssembly with the same number of threads as the peers; and candle's
// WebAssembly with one thread.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Sample } from "@blip-ts/cli/bench";
import { chromiumPath, openBrowser } from "../packages/blip/test/support/browser.ts";
import { bundleForPage } from "../packages/blip/test/support/bundle-web.ts";
import { servePages } from "../packages/blip/test/support/page-server.ts";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** The functions that page/caption.mjs and page/candle.mjs offer. */
interface BenchPage {
  open(folder: string, settings: object, options: object): Promise<boolean>;
  image(): Promise<Sample>;
  greedy(): Promise<Sample>;
}

declare const benchPage: BenchPage;

export interface BrowserBench extends AsyncDisposable {
  sample(measure: "image" | "greedy"): Promise<Sample>;
}

/** The files and settings of a page. */
export interface BenchPageFiles {
  readonly script: string;
  /** The folders that the page reads, by name. */
  readonly folders: Readonly<Record<string, string>>;
  /** The two arguments of `open` after the model's folder. */
  readonly given: readonly [settings: object, options: object];
  /** Whether the page uses threads; it must then be isolated. */
  readonly threads: boolean;
}

/** The package in a page. The browser's Cache is off, since it would keep a copy of the checkpoint on disk. */
export const ourPage = (threads: number): BenchPageFiles => ({
  script: here("page/caption.mjs"),
  folders: { ort: here("../node_modules/onnxruntime-web/dist") },
  given: [{ runtime: "/ort/", cache: false }, { threads }],
  threads: true,
});

/** candle's WebAssembly in a page. It has one thread. */
export const candlePage = (wasm: string): BenchPageFiles => ({
  script: here("page/candle.mjs"),
  folders: { candle: dirname(wasm) },
  given: [{ program: `/candle/${basename(wasm)}` }, {}],
  threads: false,
});

/**
 * Opens a page and loads a captioning model in it.
 * @param model the model's folder
 * @throws {Error} if there is no Chromium, or if a page with threads is not isolated (it would run with one thread)
 */
export async function openBrowserBench(
  model: string,
  { script, folders, given, threads }: BenchPageFiles,
): Promise<BrowserBench> {
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
    await bundleForPage(folder, script);
    const server = await servePages({ folders: { "": folder, model, ...folders } });
    closers.push(() => Promise.resolve(server[Symbol.asyncDispose]()));
    const browser = await openBrowser();
    closers.push(() => browser.close());
    const page = await browser.newPage();
    await page.goto(`${server.origin}/index.html`);
    await page.waitForFunction(() => "benchPage" in globalThis);
    const isolated = await page.evaluate(
      ([settings, options]) => benchPage.open("/model/", settings, options),
      given,
    );
    if (threads && !isolated) throw new Error("the page is not isolated; it would run with one thread");
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
