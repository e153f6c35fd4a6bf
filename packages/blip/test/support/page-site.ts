// Shared by page tests: a folder with a page that has `inPage`, served with the engine, models and images.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll } from "vitest";
import type { InPage } from "../page/in-page.ts";
import { openBrowser } from "./browser.ts";
import { bundleForPage } from "./bundle-web.ts";
import { servePages, type PageServer, type PageServerOptions } from "./page-server.ts";

declare const inPage: InPage;

/** The root folder of the repository. */
export const root = fileURLToPath(new URL("../../../../", import.meta.url));

export interface PageSite extends AsyncDisposable {
  /** The folder that is served as the site's root. */
  readonly folder: string;
  readonly bundled: Awaited<ReturnType<typeof bundleForPage>>;
  serve(options?: Omit<PageServerOptions, "folders">): Promise<PageServer>;
}

/** Makes a site with one page. */
export async function makeSite(): Promise<PageSite> {
  const folder = await mkdtemp(join(tmpdir(), "blip-page-"));
  await writeFile(
    join(folder, "index.html"),
    '<!doctype html><script type="module" src="script.js"></script>',
  );
  const bundled = await bundleForPage(folder, fileURLToPath(new URL("../page/in-page.ts", import.meta.url)));
  return {
    folder,
    bundled,
    serve: (options = {}) =>
      servePages({
        folders: {
          "": folder,
          ort: join(root, "node_modules/onnxruntime-web/dist"),
          models: join(root, "packages/blip/models"),
          fixtures: join(root, "fixtures"),
          scenes: join(root, "examples/scenes"),
        },
        ...options,
      }),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Loads the site's page, or reloads it. The browser's stored data belong to the page's context. */
export async function visit(page: Page, { origin }: PageServer): Promise<void> {
  await page.goto(`${origin}/index.html`);
  await page.waitForFunction(() => "inPage" in globalThis);
  await page.evaluate(() => inPage.configure({ runtime: "/ort/", models: "/models/" }));
}

/** Opens the site's page in a browser context without stored data. */
export async function openPage(server: PageServer, browser: Browser): Promise<Page> {
  const page = await (await browser.newContext()).newPage();
  await visit(page, server);
  return page;
}

export interface PageUnderTest {
  readonly site: PageSite;
  readonly server: PageServer;
  readonly browser: Browser;
  /** The site's page, shared by the tests of a file. */
  readonly page: Page;
}

/** Opens a site in a browser for all tests of a `describe`. @returns a function that returns it */
export function pageForTests(): () => PageUnderTest {
  let opened: PageUnderTest | undefined;
  beforeAll(async () => {
    const site = await makeSite();
    const server = await site.serve();
    const browser = await openBrowser();
    opened = { site, server, browser, page: await openPage(server, browser) };
  }, 120_000);
  afterAll(async () => {
    await opened?.browser.close();
    await opened?.server[Symbol.asyncDispose]();
    await opened?.site[Symbol.asyncDispose]();
  });
  return () => {
    if (!opened) throw new Error("the browser is not open yet");
    return opened;
  };
}
