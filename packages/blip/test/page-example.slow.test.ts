// examples/page in a real Chromium: it matches, captions and answers with the embedded model, and says plainly what
// another model cannot do. In a stock Firefox it matches as Node does.
import { execFile } from "node:child_process";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { ask, caption, Captioner, match } from "blip-ts";
import type { Browser, Page } from "playwright-core";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { chromiumPath, openBrowser } from "./support/browser.ts";
import { driveFirefox, firefoxPath, noFirefox } from "./support/firefox.ts";
import { servePages, type PageServer } from "./support/page-server.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const made = join(root, "examples/page/dist");

const scene = (file: string) => join(root, "examples/scenes", file);
/** Node's ITM probabilities of an image, in percent. */
async function percentsOf(image: string | Uint8Array, texts: readonly string[]): Promise<number[]> {
  const rows = await match([image], texts);
  return rows.map((row) => (row.error ? NaN : 100 * row.probability));
}
/** The numbers that the page shows. */
const shownPercents = (text: string) => [...text.matchAll(/([\d.]+) %/g)].map(([, number]) => Number(number));
/** One digit behind the point is shown. */
const near = (percent = NaN) =>
  expect.toSatisfy((shown: number) => Math.abs(shown - percent) < 0.051) as number;

beforeAll(async () => {
  await promisify(execFile)("npx", ["tsx", join(root, "examples/page/build.ts")], { cwd: root });
}, 120_000);

test("docs/browser.md says how large the page is", async () => {
  const sizes = new Map<string, number>();
  for (const file of await readdir(made, { recursive: true, withFileTypes: true }))
    if (file.isFile()) {
      const path = join(file.parentPath, file.name);
      sizes.set(path.slice(made.length + 1), (await stat(path)).size);
    }
  const total = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  const text = await readFile(join(root, "docs/browser.md"), "utf8");
  expect(text).toContain(`The example page is ${(total / 1e6).toFixed(1)} MB`);
});

describe.skipIf(chromiumPath === undefined)("the page", () => {
  let server: PageServer;
  let browser: Browser;
  let page: Page;
  const asked: string[] = [];
  const ranges: { readonly url: string; readonly range: string }[] = [];
  const wrong: string[] = [];

  beforeAll(async () => {
    server = await servePages({ folders: { "": made, fixtures: join(root, "fixtures") } });
    browser = await openBrowser();
    page = await browser.newPage({ viewport: { width: 1100, height: 900 } });
    page.on("request", (request) => {
      asked.push(request.url());
      if (request.method() === "GET")
        ranges.push({ url: request.url(), range: request.headers().range ?? "" });
    });
    page.on("pageerror", (error) => void wrong.push(error.message));
    await page.goto(`${server.origin}/index.html`);
  }, 60_000);
  async function load(model: string) {
    await page.fill("#model", model);
    await page.click("#load button");
    await page.waitForFunction(`document.getElementById("status").textContent.startsWith("${model}: ")`);
  }
  /** Matches what is shown. */
  async function matchRows(): Promise<string[]> {
    await page.click("#match button");
    await page.waitForFunction("document.getElementById('match-note').textContent.startsWith('Answered')");
    return page.locator("#rows li").allInnerTexts();
  }
  /** The page's texts. */
  const pageTexts = async () =>
    (await page.inputValue("#texts")).split("\n").filter((line) => line.trim() !== "");
  /** Checks the shown rows: the page's texts, with Node's probabilities for an image. */
  async function expectNodes(rows: readonly string[], image: string | Uint8Array): Promise<void> {
    const texts = await pageTexts();
    expect(rows).toHaveLength(texts.length);
    const expected = await percentsOf(image, texts);
    for (const [index, text] of texts.entries()) {
      expect(rows[index]).toContain(text);
      expect(shownPercents(rows[index] ?? "")).toEqual([near(expected[index])]);
    }
  }
  /** Where the page says that something is wrong. */
  const complaints = () => page.evaluate("[...document.querySelectorAll('.wrong')].map(({ id }) => id)");
  afterAll(async () => {
    await browser.close();
    await server[Symbol.asyncDispose]();
  });

  test("matches a scene with the embedded model", async () => {
    await page.waitForSelector("#match button:enabled");
    await page.click("#match button");
    await page.waitForSelector("#rows li");
    await expectNodes(await page.locator("#rows li").allInnerTexts(), scene("01.png"));
  });

  test("fetches each file of the model once, for all of its tasks", async () => {
    await page.click("#caption button");
    await page.waitForFunction("document.getElementById('said').textContent !== ''");
    const weights = ranges.filter(({ url }) => url.endsWith("/model.safetensors"));
    expect(weights.length).toBeGreaterThan(0);
    for (const file of new Set(weights.map(({ url }) => url))) {
      // A response of a range begins where it was asked for; no byte is in two of them.
      const spans = weights
        .filter(({ url }) => url === file)
        .map(({ range }) => /bytes=(\d+)-(\d+)/.exec(range)?.slice(1).map(Number) ?? [0, Infinity])
        .sort(([a = 0], [b = 0]) => a - b);
      spans.forEach(([from = 0], index) => expect(from).toBeGreaterThan(spans[index - 1]?.[1] ?? -1));
    }
  });

  test("looks at a file that is chosen", async () => {
    await page.setInputFiles("#file", join(root, "examples/scenes/02.png"));
    await page.click("#match button");
    await page.waitForSelector("#rows li");
    await expectNodes(await page.locator("#rows li").allInnerTexts(), scene("02.png"));
  });

  test("reads a large photograph in a worker", async () => {
    const photograph = join(root, "examples/scenes/02.png");
    const buffer = await sharp(photograph).resize(3200, 3200, { kernel: "nearest" }).png().toBuffer();
    await page.setInputFiles("#file", { name: "large.png", mimeType: "image/png", buffer });
    await page.click("#match button");
    await page.waitForSelector("#rows li");
    await expectNodes(await page.locator("#rows li").allInnerTexts(), buffer);
    // Without its script the page would decode by itself.
    const script = server.requests.find(({ path }) => path === "/web-image-worker.js");
    expect(script?.bytes).toBeGreaterThan(0);
    await page.setInputFiles("#file", photograph);
  });

  test("captions the same scene with the embedded model, in Node's words", async () => {
    await using captioner = await Captioner.fromPretrained("picture-book");
    const expected = [];
    for await (const row of captioner.caption([join(root, "examples/scenes/02.png")])) expected.push(row);
    const [row] = expected;
    if (!row || "error" in row) throw new Error("Node gave no caption");
    await page.click("#caption button");
    await page.waitForFunction("document.getElementById('said').textContent !== ''");
    expect(await page.innerText("#said")).toBe(row.caption);
    expect(await page.innerText("#caption-note")).toMatch(/^Answered in/);
  });

  test("answers a question with the embedded model, in Node's words", async () => {
    const question = await page.inputValue("#question");
    const [row] = await ask([scene("02.png")], [question]);
    if (!row || row.error) throw new Error("Node gave no answer");
    await page.click("#ask button");
    await page.waitForFunction("document.getElementById('answer').textContent !== ''");
    expect(await page.innerText("#answer")).toBe(row.answer);
    expect(await page.innerText("#ask-note")).toMatch(/^Answered in/);
    await page.fill("#question", " ");
    await page.click("#ask button");
    await page.waitForSelector("#ask-note.wrong");
    expect(await complaints()).toEqual(["ask-note"]);
    await page.fill("#question", question);
  });

  test("says that its model knows drawings, and which words it lacks", async () => {
    expect(await page.locator("#warnings li").count()).toBe(0);
    const texts = await page.inputValue("#texts");
    await page.setInputFiles("#file", join(root, "fixtures/images/astronaut.jpg"));
    await page.fill("#texts", "an astronaut in a spacesuit");
    await page.click("#match button");
    await page.waitForSelector("#rows li");
    const notes = await page.locator("#warnings li").allInnerTexts();
    expect(notes.sort()).toEqual([
      expect.stringContaining("knows drawings"),
      expect.stringContaining('vocabulary lacks "astronaut"'),
    ]);
    await page.fill("#texts", texts);
  });

  test("captions with a model that does nothing else, and offers no matching then", async () => {
    await load("/fixtures/tiny/caption/");
    await page.click("#caption button");
    await page.waitForFunction("document.getElementById('said').textContent !== ''");
    expect(await page.isDisabled("#match button")).toBe(true);
    expect(await page.isDisabled("#ask button")).toBe(true);
    expect(await page.innerText("#ask-note")).toContain("/fixtures/tiny/caption/ does not answer questions");
  });

  test("says that a model without a language head cannot caption", async () => {
    await load("/fixtures/tiny/match/");
    expect(await page.isDisabled("#caption button")).toBe(true);
    expect(await page.innerText("#caption-note")).toContain("/fixtures/tiny/match/ has no language head");
  });

  test("says what the embedded model knows, and of other models nothing", async () => {
    expect(await page.innerText("#knows")).toBe("");
    await load("picture-book");
    expect(await page.innerText("#knows")).toContain("knows drawings, not photographs");
  });

  test("says what is wrong with a model that is not there beside it, and goes on with the one that is", async () => {
    await page.fill("#model", "/nowhere/");
    await page.click("#load button");
    await page.waitForSelector("#load-note.wrong");
    expect(await page.innerText("#load-note")).toContain("/nowhere/: expected model.safetensors");
    expect(await page.innerText("#status")).toMatch(/^picture-book: does match/);
    expect(await matchRows()).toHaveLength(4);
    await page.fill("#model", "picture-book");
    await page.click("#load button");
    await page.waitForFunction("document.getElementById('load-note').textContent === ''");
  });

  test("says what is wrong with an image beside it, and forgets that with the next one", async () => {
    await page.setInputFiles("#file", {
      name: "no.png",
      mimeType: "image/png",
      buffer: Buffer.from("these are no pixels"),
    });
    await page.click("#match button");
    await page.waitForFunction("document.getElementById('image-note').textContent.startsWith('no.png')");
    expect(await complaints()).toEqual(["image-note"]);
    expect(await page.locator("#rows li").count()).toBe(0);
    await page.click("[data-scene='scenes/02.png']");
    expect(await complaints()).toEqual([]);
  });

  test("says beside the texts that there are none", async () => {
    const texts = await page.inputValue("#texts");
    await page.fill("#texts", " \n");
    await page.click("#match button");
    await page.waitForSelector("#match-note.wrong");
    expect(await complaints()).toEqual(["match-note"]);
    await page.fill("#texts", texts);
  });

  test("shows an answer for the image that was asked about alone", async () => {
    await page.click("[data-scene='scenes/01.png']");
    await page.evaluate(`{
      globalThis.shown = [];
      const log = () => shown.push(document.getElementById("rows").innerText + document.getElementById("said").innerText);
      for (const id of ["rows", "said"])
        new MutationObserver(log).observe(document.getElementById(id), { childList: true });
      // Both are asked about the first scene, which another takes the place of before there is an answer.
      document.querySelector("#match button").click();
      document.querySelector("#caption button").click();
      document.querySelector("[data-scene='scenes/02.png']").click();
    }`);
    expect(await page.isEnabled("#match button")).toBe(true);
    await page.click("#caption button");
    await page.waitForFunction("document.getElementById('said').textContent !== ''");
    await matchRows();
    const shown = (await page.evaluate<string[]>("shown")).map(shownPercents);
    const expected = (await percentsOf(scene("02.png"), await pageTexts())).map(near);
    expect(shown.at(-1)).toEqual(expected);
    for (const percents of shown) if (percents.length > 0) expect(percents).toEqual(expected);
  });

  test("shows no bar of progress before there is some, nor when all is done", async () => {
    const visitor = await browser.newPage();
    await visitor.addInitScript(`
      globalThis.bars = [];
      addEventListener("DOMContentLoaded", () => {
        const bar = document.getElementById("progress");
        new MutationObserver(() => bars.push([bar.hidden, bar.value, bar.max])).observe(bar, { attributes: true });
      });`);
    await visitor.goto(`${server.origin}/index.html`);
    await visitor.waitForSelector("#match button:enabled");
    expect(await visitor.isHidden("#progress")).toBe(true);
    await visitor.click("#match button");
    await visitor.waitForSelector("#rows li");
    expect(await visitor.isHidden("#progress")).toBe(true);
    const bars = await visitor.evaluate<[boolean, number, number][]>("bars");
    expect(bars.length).toBeGreaterThan(0);
    expect(bars.filter(([hidden, value, max]) => !hidden && (value === 0 || value >= max))).toEqual([]);
    await visitor.close();
  });

  test.each([320, 375, 480, 600])("is not wider than a window of %i px", async (width) => {
    await page.setViewportSize({ width, height: 900 });
    const texts = await page.inputValue("#texts");
    await page.fill("#texts", `${"tulip".repeat(40)}\na cow`);
    expect(await matchRows()).toHaveLength(2);
    await page.fill("#model", `/${"nowhere".repeat(30)}/`);
    await page.click("#load button");
    await page.waitForSelector("#load-note.wrong");
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(width);
    const lines = await page.evaluate(`[...document.querySelectorAll("form button")].map((button) => {
      const words = document.createRange();
      words.selectNodeContents(button);
      return words.getClientRects().length;
    })`);
    expect(lines).toEqual([1, 1, 1, 1]);
    await page.fill("#texts", texts);
  });

  test("asks its own server alone, and throws nothing", () => {
    expect(asked.filter((url) => !/^(?:blob|data):/.test(url) && !url.startsWith(server.origin))).toEqual([]);
    expect(wrong).toEqual([]);
  });

  test("has a name for each control", async () => {
    const nameless = await page.evaluate(`
      [...document.querySelectorAll("button, input, textarea")].filter((one) =>
        !(one.textContent.trim() || one.labels?.length || one.getAttribute("aria-label") || one.querySelector("img[alt]"))
      ).map((one) => one.outerHTML)`);
    expect(nameless).toEqual([]);
  });
});

test("the page matches and captions in Firefox as Node does", async ({ skip }) => {
  if (firefoxPath === undefined) return skip(noFirefox);
  await using server = await servePages({ folders: { "": made } });
  const browser = await driveFirefox();
  try {
    const page = await browser.newPage();
    await page.goto(`${server.origin}/index.html`);
    const wait = { timeout: 120_000 };
    await page.waitForSelector("#match button:enabled", wait);
    const asked = String(await page.evaluate("document.getElementById('texts').value"));
    const texts = asked.split("\n").filter((line) => line.trim() !== "");
    expect(texts).toHaveLength(4);
    await page.click("#match button");
    await page.waitForSelector("#rows li", wait);
    const lines = (await page.evaluate(
      "[...document.querySelectorAll('#rows li')].map((line) => line.innerText)",
    )) as string[];
    const expected = await percentsOf(scene("01.png"), texts);
    for (const [index, text] of texts.entries()) {
      expect(lines[index]).toContain(text);
      expect(shownPercents(lines[index] ?? "")).toEqual([near(expected[index])]);
    }
    await page.click("#caption button");
    await page.waitForFunction("document.getElementById('said').textContent !== ''", wait);
    const [row] = await caption([scene("01.png")]);
    if (!row || row.error) throw new Error("Node gave no caption");
    expect(await page.evaluate("document.getElementById('said').innerText")).toBe(row.caption);
  } finally {
    await browser.close();
  }
});
