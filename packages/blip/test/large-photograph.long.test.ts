// A photograph of 108 megapixels, as telephones take them, in a page: it is decoded and resized in a worker, so that the
// page stays usable, and its pixels are Node's.
import { join } from "node:path";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { resizeBicubic } from "../src/image/resize-bicubic.ts";
import { decodeImage } from "../src/platform/node/decode-image.ts";
import type { InPage } from "./page/in-page.ts";
import { chromiumPath } from "./support/browser.ts";
import { pageForTests } from "./support/page-site.ts";

declare const inPage: InPage;

/** Milliseconds for which the page may not answer. */
const longestPause = 500;

describe.skipIf(chromiumPath === undefined)("108 megapixels in Chromium", () => {
  const underTest = pageForTests();

  test("leave the page's thread free, and have Node's pixels", async () => {
    const { page, site } = underTest();
    const file = join(site.folder, "telephone.jpg");
    await sharp({
      create: {
        ...{ width: 12000, height: 9000, channels: 3, background: "grey" },
        noise: { type: "gaussian", mean: 128, sigma: 40 },
      },
      limitInputPixels: false,
    })
      .blur(2)
      .jpeg({ quality: 80 })
      .toFile(file);
    const size = { width: 384, height: 384, order: "13" } as const;
    const { found, pause } = await page.evaluate(
      async ([url, wanted]) => {
        let [last, longest] = [performance.now(), 0];
        const timer = setInterval(() => {
          const now = performance.now();
          longest = Math.max(longest, now - last);
          last = now;
        }, 10);
        const made = await inPage.resized(url, wanted);
        clearInterval(timer);
        return { found: made, pause: longest };
      },
      ["/telephone.jpg", size] as const,
    );
    console.log(`the page's thread paused for at most ${pause.toFixed(0)} ms`);
    expect(found.decoded).toEqual([384, 384]);
    expect(pause).toBeGreaterThan(0);
    expect(pause).toBeLessThan(longestPause);
    const options = { alpha: "white", orientation: "upright", grey16: "clip", size } as const;
    const { data } = await resizeBicubic(
      await decodeImage(file, options),
      size.width,
      size.height,
      size.order,
    );
    expect(Buffer.compare(Buffer.from(found.data), Buffer.from(data))).toBe(0);
  });
});
