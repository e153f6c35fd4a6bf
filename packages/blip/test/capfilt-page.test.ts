// CapFilt's page: texts of the web stay texts.
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { capfilt } from "blip-ts/train";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { arrayOf } from "../../testing/src/index.ts";
import { escaped, pageOf } from "../src/capfilt/page.ts";
import { scene } from "./support/capfilt.ts";
import { fixture } from "./support/goldens.ts";

const both = fixture("tiny/pretrain-original");
const quiet = { onWarning: () => undefined };

let root = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "blip-capfilt-page-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

describe("the page", () => {
  const hostile = `</s><script>alert(1)</script><img src=x onerror="alert(2)">'&amp;\u202Egnp.exe`;

  test("shows texts as texts: nothing in them becomes an element or an attribute", async () => {
    const folder = join(root, "hostile");
    await mkdir(folder);
    const name = `a"><b onload='x'>.png`;
    await cp(scene(0), join(folder, name));
    await writeFile(
      join(folder, "rows.jsonl"),
      `${JSON.stringify({ image: name, caption: [hostile, "a dog"] })}\n`,
    );
    const out = join(root, "out");
    await capfilt(join(folder, "rows.jsonl"), out, { captioner: both, threshold: 1, ...quiet });
    const page = await readFile(join(out, "report.html"), "utf8");
    expect(page).toContain(`<s>${escaped(hostile)}</s>`);
    expect(page).toContain("&lt;script&gt;alert(1)&lt;/script&gt;");
    expect(page).toContain("&#39;&amp;amp;");
    const tags = [...page.matchAll(/<\/?([a-z0-9]+)/gi)].map(([, tag]) => tag);
    expect(tags).not.toContain("script");
    expect(tags).not.toContain("b");
    expect(tags.filter((tag) => tag === "img")).toHaveLength(1);
    expect(page).toMatch(
      /<img src="data:image\/jpeg;base64,[A-Za-z0-9+/=]+" alt="a&quot;&gt;&lt;b onload=&#39;x&#39;&gt;\.png">/,
    );
    expect(page).not.toMatch(/[\u202A-\u202E]/);
    expect(page).toContain(`content="default-src 'none'; img-src data:; style-src 'unsafe-inline'"`);
  });

  test("long texts are cut, halves of characters are nothing", async () => {
    expect(escaped("\ud83d<")).toBe(" &lt;");
    expect(escaped("x".repeat(5000)).length).toBeLessThan(700);
    const empty = {
      texts: 0,
      keptTexts: 0,
      dropped: 0,
      unreadable: 0,
      droppedShare: 0,
      meanProbability: null,
      histogram: [0],
    };
    const model = { name: "<m>" };
    const head = { web: empty, synthetic: empty, threshold: 0.5, captioner: model, filter: model, pairs: 0 };
    async function* none() {
      yield* await Promise.resolve<never[]>([]);
    }
    const page = (
      await arrayOf(pageOf({ ...head, data: { name: "<d>", rows: 0, sha256: "" } }, none()))
    ).join("");
    expect(page).toContain("&lt;m&gt;");
    expect(page).toContain("&lt;d&gt;");
  });
});
