// Pages of the package as npm gets it, made as docs/browser.md says: without a bundler, and with Vite, built and served
// by its development server. Other bundlers are in bundlers.long.test.ts.
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Browser } from "playwright-core";
import { createServer } from "vite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { chromiumPath, openBrowser } from "./support/browser.ts";
import {
  askServer,
  packTo,
  recipeOf,
  runCommands,
  tryPage,
  writeApp,
  type Recipe,
  type TriedPage,
} from "./support/packed-app.ts";
import { servePages } from "./support/page-server.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));
/** What the package depends on in a page, from this repository: nothing is fetched. */
const dependencies = ["@bufbuild", "@huggingface", "onnxruntime-web", "onnxruntime-common", ".bin"];
/** And on a server. */
const nodeDependencies = ["onnxruntime-node", "sharp", "undici", "hyparquet", "csv-parse", "tinyglobby"];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "blip-pages-"));
  const unpacked = join(folder, "node_modules/blip-ts");
  await mkdir(unpacked, { recursive: true });
  await promisify(execFile)("tar", [
    ...["-xzf", await packTo(folder)],
    ...["-C", unpacked, "--strip-components=1"],
  ]);
  for (const name of [...dependencies, ...nodeDependencies])
    await symlink(join(root, "node_modules", name), join(folder, "node_modules", name));
}, 120_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A folder as a recipe has it, with all commands run. */
async function made(name: string, { files, commands }: Recipe): Promise<string> {
  const app = join(folder, name);
  await writeApp(app, files);
  await symlink(join(folder, "node_modules"), join(app, "node_modules"));
  await runCommands(app, commands);
  return app;
}

function expectGood({ found, problems, workers }: TriedPage): void {
  expect(problems).toEqual([]);
  expect(found).toEqual([expect.closeTo(0.9656, 3), expect.closeTo(0.9656, 2)]);
  // The image's, the session's, and a thread of its own at least.
  expect(workers.length).toBeGreaterThan(2);
}

test.each(["web-session-worker.js", "web-image-worker.js", "web-training-worker.js"])(
  "%s is one file",
  async (name) => {
    const code = await readFile(join(folder, "node_modules/blip-ts/dist", name), "utf8");
    const imported = [...code.matchAll(/(?:^import\b[^"]*|\bfrom |\bimport\()"([^"]+)"/gm)].map(
      ([, from]) => from,
    );
    expect(imported.filter((from) => !/^onnxruntime-web\/(?:wasm|webgpu)$/.test(from ?? ""))).toEqual([]);
  },
);

describe.skipIf(chromiumPath === undefined)("in Chromium", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await openBrowser();
  }, 60_000);
  afterAll(() => browser.close());

  test("a page without a bundler works", async () => {
    const recipe = await recipeOf("Without a bundler");
    const app = await made("plain", recipe);
    await runCommands(app, ["cp page.js public/"]);
    await using server = await servePages({ folders: { "": join(app, "public") } });
    expectGood(await tryPage(browser, `${server.origin}/index.html`));

    // Without its worker a large image holds up the page, which is said; the worker may be anywhere.
    await rename(join(app, "public/blip-ts/dist/web-image-worker.js"), join(app, "public/elsewhere.js"));
    const without = await tryPage(browser, `${server.origin}/index.html`);
    expect(without.found).toEqual([expect.closeTo(0.9656, 3), expect.closeTo(0.9656, 2)]);
    expect(without.problems.at(-1)).toMatch(/large\.jpg: the worker for large images cannot be started/);
    const told = 'import { configure } from "blip-ts";\nconfigure({ imageWorker: "elsewhere.js" });\n';
    await writeFile(join(app, "public/page.js"), told + (await readFile(join(app, "page.js"), "utf8")));
    const elsewhere = await tryPage(browser, `${server.origin}/index.html`);
    expectGood(elsewhere);
    expect(elsewhere.workers).toContain(`${server.origin}/elsewhere.js`);
  });

  test("a page and a server that Vite builds work, and its development server", async () => {
    const app = await made("vite", await recipeOf("Vite"));
    {
      await using server = await servePages({ folders: { "": join(app, "dist") } });
      expectGood(await tryPage(browser, `${server.origin}/index.html`));
    }
    expect(await askServer(app, "server/server.js")).toMatchObject({
      status: 200,
      text: expect.stringContaining('"probability":0.965') as string,
    });
    const server = await createServer({
      root: app,
      logLevel: "error",
      server: {
        ...{ host: "127.0.0.1", port: 0 },
        // What is linked lies elsewhere.
        fs: { strict: false },
        headers: {
          "Cross-Origin-Opener-Policy": "same-origin",
          "Cross-Origin-Embedder-Policy": "require-corp",
        },
      },
    });
    await server.listen();
    try {
      expectGood(await tryPage(browser, server.resolvedUrls?.local[0] ?? ""));
    } finally {
      await server.close();
    }
  });
});
