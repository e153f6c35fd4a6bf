// The halves of CapFilt beside the whole: captions alone, and filtered pairs alone.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { must } from "@blip-ts/base";
import { capfilt, captionImages, filterPairs } from "blip-ts/train";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { arrayOf } from "../../testing/src/index.ts";
import { collected, scene, scored, webRowsOf } from "./support/capfilt.ts";
import { fixture } from "./support/goldens.ts";

const both = fixture("tiny/pretrain-original");
const quiet = { onWarning: () => undefined };

let root = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "blip-capfilt-halves-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

describe("the halves alone", () => {
  test("caption and filter rows that a caller has, and say what the whole says", async () => {
    const data = await collected(join(root, "data"), 10);
    const out = join(root, "out");
    await capfilt(data, out, { captioner: both, seed: 5, html: 0, ...quiet });
    const rows = await scored(out);
    const given = (await webRowsOf(data)).map(({ image, texts }, n) => {
      if (image.kind !== "path") throw new Error("there is no path");
      return { image: join(root, "data", image.path), key: `path ${image.path}`, texts, n };
    });
    const drawn = await arrayOf(
      captionImages(given, { captioner: both, seed: 5, imageBatchSize: 8, ...quiet }),
    );
    expect(drawn.map((row) => ("caption" in row ? [row.n, row.caption, row.seed] : row.error))).toEqual(
      rows.map(({ n, synthetic, seed }) => [n, synthetic.text, seed]),
    );
    const judged = await arrayOf(filterPairs(given, { filter: both, threshold: 0.5, ...quiet }));
    for (const [n, row] of judged.entries()) {
      if (row.error) throw new Error(row.error.message);
      const { web } = must(rows, n);
      expect(row.judged.map(({ text }) => text)).toEqual(web.map(({ text }) => text));
      row.judged.forEach(({ probability, isKept }, text) => {
        expect(probability).toBeCloseTo(must(web, text).probability ?? NaN, 6);
        expect(isKept).toBe((probability ?? 0) >= 0.5);
      });
    }
  });

  test("a row whose image cannot be read comes with its error, and the others go on", async () => {
    const images = [{ image: scene(0) }, { image: join(root, "missing.png") }, { image: scene(1) }];
    const found = await arrayOf(captionImages(images, { captioner: both, ...quiet }));
    expect(found.map((row) => (row.error ? row.error.code : "caption"))).toEqual([
      "caption",
      "image/not-found",
      "caption",
    ]);
  });

  test("a text of which nothing can be read is dropped, and what is no text is refused", async () => {
    const options = { filter: both, threshold: 0, maxTextLength: 10, ...quiet };
    const texts = ["\u200b", "a dog", "two red cars"];
    const [row] = await arrayOf(filterPairs([{ image: scene(0), texts }], options));
    if (!row) throw new Error("one image has one row");
    if (row.error) throw new Error(row.error.message);
    expect(row.judged.map(({ isKept }) => isKept)).toEqual([false, true, false]);
    expect(row.judged.map(({ probability }) => probability === null)).toEqual([true, false, true]);
    const wrong = filterPairs([{ image: scene(0), texts: [7 as unknown as string] }], options);
    await expect(arrayOf(wrong)).rejects.toMatchObject({ code: "text/not-a-text" });
  });
});
