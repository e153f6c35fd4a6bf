// The page's entry in real browsers that have no `Symbol.asyncDispose`, neither in the page nor in its worker: it is
// taken away before any other script runs.
import { copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { chromiumPath, openBrowser } from "./support/browser.ts";
import { bundleForPage } from "./support/bundle-web.ts";
import { firefoxPath, inFirefox } from "./support/firefox.ts";
import { servePages, type PageServer } from "./support/page-server.ts";

const place = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

/** The page: it asks for an address that says what it found. */
const program = `
  import "./without-dispose.js";
  import { caption, configure, match, Matcher } from "./script.js";
  const said = {};
  try {
    configure({ runtime: "/ort/", models: "/models/", worker: "/worker.js" });
    const [scene, text] = ["/scenes/01.png", "a lemon to the right of a light bulb in a forest"];
    const [row] = await match([scene], [text]);
    const [{ caption: words }] = await caption([scene]);
    const matcher = await Matcher.fromPretrained("picture-book");
    const rows = [];
    for await (const one of matcher.match([scene], [text])) rows.push(one);
    await matcher.close();
    await matcher.close();
    Object.assign(said, {
      symbol: String(Symbol.asyncDispose),
      probabilities: [row.probability, rows[0].probability],
      caption: words,
    });
  } catch (error) {
    said.failure = String(error);
  }
  await fetch("/said/" + encodeURIComponent(JSON.stringify(said)));
`;

interface Said {
  readonly symbol?: string;
  readonly probabilities?: readonly number[];
  readonly caption?: string;
  readonly failure?: string;
}

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "blip-baseline-page-"));
  await bundleForPage(folder);
  await copyFile(place("../../base/test/without-dispose.mjs"), join(folder, "without-dispose.js"));
  await writeFile(
    join(folder, "worker.js"),
    'import "./without-dispose.js"; import "./web-session-worker.js";',
  );
  await writeFile(join(folder, "page.js"), program);
  await writeFile(
    join(folder, "index.html"),
    '<!doctype html><meta charset="utf-8"><script type="module" src="page.js"></script>',
  );
}, 120_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

const serve = () =>
  servePages({
    folders: {
      "": folder,
      ort: place("../../../node_modules/onnxruntime-web/dist"),
      models: place("../models"),
      scenes: place("../../../examples/scenes"),
    },
  });

/** Waits for what the page says. */
async function saidTo({ requests }: PageServer): Promise<Said> {
  for (let waited = 0; waited < 1800; waited++) {
    const found = requests.find(({ path }) => path.startsWith("/said/"));
    if (found) return JSON.parse(found.path.slice("/said/".length)) as Said;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`the page said nothing; it asked for ${requests.map(({ path }) => path).join(", ")}`);
}

function expectScores({ probabilities = [], ...said }: Said): void {
  expect(said).toEqual({ symbol: "undefined", caption: expect.stringMatching(/\blight bulb\b/) as string });
  expect(probabilities).toHaveLength(2);
  for (const probability of probabilities) expect(probability).toBeGreaterThan(0.9);
}

describe.skipIf(chromiumPath === undefined)("in Chromium", () => {
  test("functions and classes work, and a model is closed", async () => {
    await using server = await serve();
    const browser = await openBrowser();
    try {
      const page = await browser.newPage();
      await page.goto(`${server.origin}/index.html`);
      expectScores(await saidTo(server));
    } finally {
      await browser.close();
    }
  });
});

describe.skipIf(firefoxPath === undefined)("in Firefox", () => {
  test("functions and classes work, and a model is closed", async () => {
    await using server = await serve();
    expectScores(await inFirefox(`${server.origin}/index.html`, () => saidTo(server)));
  });
});
