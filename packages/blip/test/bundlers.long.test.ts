// Bundlers that people have: each builds a page and a server from the packed package as docs/browser.md says, and both
// answer. Their packages come from npm's registry into a cache outside of the tree; without a registry all is skipped.
import { createHash } from "node:crypto";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { chromiumPath, openBrowser } from "./support/browser.ts";
import {
  askServer,
  nextFiles,
  packTo,
  plainEnvironment,
  recipeOf,
  runCommands,
  scene,
  tryPage,
  tryServer,
  writeApp,
  type Recipe,
  type TriedPage,
  type TriedServer,
} from "./support/packed-app.ts";
import { servePages } from "./support/page-server.ts";

/** What is installed beside the package, of these versions. */
const tools = {
  vite: "8.3.8",
  webpack: "5.113.0",
  "webpack-cli": "7.3.1",
  esbuild: "0.28.2",
  rollup: "4.68.8",
  "@rollup/plugin-node-resolve": "16.0.3",
  next: "16.4.6",
  react: "19.3.1",
  "react-dom": "19.3.1",
  "onnxruntime-web": "1.30.0",
};

/** The folder with all packages, in which programs are made; undefined if there is no registry. */
let cache: string | undefined;
let apps: string;
let browser: Browser | undefined;

const exactly = () => Object.entries(tools).map(([name, version]) => `${name}@${version}`);

/** A tarball's name changes with the package: npm would take an older one of the same name for the same. */
async function install(): Promise<string | undefined> {
  const names = exactly();
  const key = createHash("sha256").update(names.join(" ")).digest("hex").slice(0, 12);
  const caches = process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache");
  const folder = join(caches, "blip-ts", `bundlers-${key}`);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "package.json"), '{ "private": true, "type": "module" }\n');
  // Turbopack takes the folder with the nearest lock file for the project's root, and npm does not read this one.
  await writeFile(join(folder, "bun.lock"), "");
  const packed = await mkdtemp(join(tmpdir(), "blip-packed-"));
  const flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", "--no-save"];
  const args = ["i", ...flags, ...names, await packTo(packed)];
  const installed = await promisify(execFile)("npm", args, {
    cwd: folder,
    env: plainEnvironment(),
    timeout: 600_000,
  }).catch(() => undefined);
  await rm(packed, { recursive: true });
  return installed && folder;
}

beforeAll(async () => {
  cache = await install();
  if (cache === undefined) return;
  apps = await mkdtemp(join(cache, "apps-"));
  if (chromiumPath !== undefined) browser = await openBrowser();
}, 900_000);
afterAll(async () => {
  await browser?.close();
  if (cache !== undefined) await rm(apps, { recursive: true, force: true });
});

/** @param isolated whether the page is served with the headers that threads need: then the engine starts workers of its own */
function expectGoodPage({ found, problems, workers }: TriedPage, isolated: boolean): void {
  expect(problems).toEqual([]);
  expect(found).toEqual([expect.closeTo(0.9656, 3), expect.closeTo(0.9656, 2)]);
  if (isolated) expect(workers.length).toBeGreaterThan(2);
  else expect(workers.length).toBeGreaterThan(0);
}

const expectGoodServer = (answer: TriedServer) =>
  expect(answer).toMatchObject({
    status: 200,
    text: expect.stringContaining('"probability":0.965') as string,
  });

interface Bundler {
  readonly name: string;
  /** The folder of its page, and the script of its server. */
  readonly page: string;
  readonly server: string;
}

const bundlers: readonly Bundler[] = [
  { name: "Vite", page: "dist", server: "server/server.js" },
  { name: "webpack", page: "public", server: "server/server.cjs" },
  { name: "esbuild", page: "public", server: "server/server.mjs" },
  { name: "rollup", page: "public", server: "server/server.mjs" },
];

async function made(name: string, { files, commands }: Recipe): Promise<string> {
  const app = await mkdtemp(join(apps, `${name.toLowerCase()}-`));
  await writeApp(app, files);
  await symlink(join(cache ?? "", "node_modules"), join(app, "node_modules"));
  await runCommands(app, commands);
  return app;
}

const missing = "npm's registry cannot be reached";

test.for(bundlers)("$name builds a page and a server", async ({ name, page, server }, { skip }) => {
  if (cache === undefined) return skip(missing);
  const app = await made(name, await recipeOf(name));
  expectGoodServer(await askServer(app, server));
  if (!browser) return skip("the server works; there is no Chromium for the page");
  await using pages = await servePages({ folders: { "": join(app, page) } });
  expectGoodPage(await tryPage(browser, `${pages.origin}/index.html`), true);
});

test.for(["--turbopack", "--webpack"])(
  "Next with %s builds a component and a route",
  async (kind, { skip }) => {
    if (cache === undefined) return skip(missing);
    const { files, commands } = await recipeOf("Next");
    const app = await mkdtemp(join(apps, "next-"));
    await writeApp(app, { ...files, ...nextFiles });
    await runCommands(
      app,
      commands.map((command) => `${command} ${kind}`),
    );
    const isReady = (printed: string) =>
      printed.includes("Ready") ? /http:\/\/(?:localhost|127\.0\.0\.1):\d+/.exec(printed)?.[0] : undefined;
    const start = [join(cache, "node_modules/.bin/next"), "start", "--hostname", "127.0.0.1", "--port", "0"];
    await tryServer(app, start, isReady, async (origin) => {
      const response = await fetch(`${origin}/match?image=${encodeURIComponent(scene)}`);
      expectGoodServer({ status: response.status, text: await response.text() });
      if (browser) expectGoodPage(await tryPage(browser, origin), false);
    });
    if (!browser) skip("the route works; there is no Chromium for the page");
  },
);

test("a server that bundles the package says what to do, by name", async ({ skip }) => {
  if (cache === undefined) return skip(missing);
  for (const [format, script] of [
    ["cjs", "server/bundled.cjs"],
    ["esm", "server/bundled.mjs"],
  ] as const) {
    const command = `npx esbuild server.js --bundle --platform=node --format=${format} --external:sharp --external:onnxruntime-node --outfile=${script}`;
    const app = await made(`bundled-${format}`, { files: {}, commands: [command] });
    const { status, text } = await askServer(app, script);
    expect(status).toBe(500);
    expect(text).toMatch(/^model\/no-runtime .* as external: docs\/browser\.md/);
  }
});
