// Pictures in a page, in each of the forms that a page has: Node's own pixels.
import { readdirSync } from "node:fs";
import { rename } from "node:fs/promises";
import { join } from "node:path";
import type { Worker } from "playwright-core";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { decodeImage } from "../src/platform/node/decode-image.ts";
import type { InPage } from "./page/in-page.ts";
import { chromiumPath } from "./support/browser.ts";
import { fixture } from "./support/goldens.ts";
import { pageForTests, root } from "./support/page-site.ts";

declare const inPage: InPage;

describe.skipIf(chromiumPath === undefined)("pictures in Chromium", () => {
  const underTest = pageForTests();

  const alphas = ["white", "drop"] as const;
  const orientations = ["stored", "upright"] as const;

  /** The largest difference of a byte between Node's pixels of a path or URL and the page's of a URL. */
  async function difference(
    own: string,
    url: string,
    alpha: "white" | "drop",
    orientation: "stored" | "upright",
  ) {
    const expected = await decodeImage(own, { alpha, orientation, grey16: "clip" });
    const found = await underTest().page.evaluate(([address, options]) => inPage.pixels(address, options), [
      url,
      { alpha, orientation },
    ] as const);
    expect([found.width, found.height]).toEqual([expected.width, expected.height]);
    return found.data.reduce(
      (worst, value, at) => Math.max(worst, Math.abs(value - (expected.data[at] ?? NaN))),
      0,
    );
  }

  // No pictures, and photographs so large that they would only take time.
  const bad = ["text.jpg", "truncated.jpg", "astronaut.jpg", "chelsea.jpg", "coffee.jpg", "rocket.jpg"];
  const isRead = (name: string) => /\.(?:png|gif|jpg|webp|avif)$/.test(name) && !bad.includes(name);
  const refused = ["png-cgbi.png", "avif-sequence.avif"];
  // Noise whose colours are stored at half the size: two decoders that interpolate them differ by up to 91 levels.
  const interpolated = ["avif-still.avif"];
  const kinds = readdirSync(fixture("images/kinds")).filter(
    (name) => !refused.includes(name) && !interpolated.includes(name),
  );
  const names = [...readdirSync(fixture("images")), ...kinds.map((name) => `kinds/${name}`)].filter(isRead);

  test.each(names)("%s is what Node reads, byte for byte", async (file) => {
    for (const alpha of alphas)
      for (const orientation of orientations) {
        const url = `/fixtures/images/${file}`;
        const worst = await difference(fixture(`images/${file}`), url, alpha, orientation);
        // Two decoders of AVIF interpolate colour differently; here they were 10 levels apart.
        if (file.endsWith(".avif")) expect(worst).toBeLessThanOrEqual(12);
        // A canvas holds colours multiplied by alpha: under a transparent pixel there is none.
        else if (/alpha.*\.webp$/.test(file) && alpha === "drop") expect(worst).toBeGreaterThan(0);
        else expect(worst, `${alpha}, ${orientation}`).toBe(0);
      }
  });

  test.each([2, 3, 4, 5, 6, 7, 8])("an AVIF of orientation %i is turned as in Node", async (orientation) => {
    const bytes = await sharp(fixture("images/odd-444.jpg"))
      .withMetadata({ orientation })
      .avif({ effort: 0, quality: 100, chromaSubsampling: "4:4:4" })
      .toBuffer();
    const url = `data:image/avif;base64,${bytes.toString("base64")}`;
    // Two decoders of AVIF round colours differently.
    for (const wanted of orientations)
      expect(await difference(url, url, "drop", wanted), wanted).toBeLessThanOrEqual(2);
  });

  test.each([
    "File",
    "ArrayBuffer",
    "HTMLImageElement",
    "HTMLCanvasElement",
    "OffscreenCanvas",
    "ImageBitmap",
    "ImageData",
  ])("a %s is the picture that it holds", async (form) => {
    const expected = await decodeImage(join(root, "examples/scenes/01.png"), {
      alpha: "white",
      orientation: "stored",
      grey16: "clip",
    });
    const found = await underTest().page.evaluate(
      (one) => inPage.pixels("/scenes/01.png", { alpha: "white", orientation: "stored" }, one),
      form,
    );
    expect(Buffer.from(found.data).equals(Buffer.from(expected.data))).toBe(true);
  });

  test.each(["jpeg", "png"] as const)(
    "a %s of 9 megapixels is decoded and resized in a worker, or on the page's thread if there is none",
    async (format) => {
      const { page, site } = underTest();
      const large = sharp({
        create: {
          ...{ width: 3600, height: 2500, channels: 3, background: "grey" },
          noise: { type: "gaussian", mean: 128, sigma: 40 },
        },
      });
      await large.toFormat(format).toFile(join(site.folder, `large.${format}`));
      const workers: string[] = [];
      const onWorker = (worker: Worker) => void workers.push(new URL(worker.url()).pathname);
      page.on("worker", onWorker);
      const resized = () =>
        page.evaluate(([url, size]) => inPage.resized(url, size), [
          `/large.${format}`,
          { width: 384, height: 384, order: "13" },
        ] as const);
      const apart = await resized();
      expect([workers, apart.decoded]).toEqual([["/web-image-worker.js"], [384, 384]]);
      const script = join(site.folder, "web-image-worker.js");
      await rename(script, `${script}.away`);
      const here = await resized();
      await rename(`${script}.away`, script);
      page.off("worker", onWorker);
      expect(here.decoded).toEqual([3600, 2500]);
      expect(Buffer.compare(Buffer.from(here.data), Buffer.from(apart.data))).toBe(0);
    },
  );

  test("refuses what is none, and what the browser cannot decode", async () => {
    const of = (file: string) => underTest().page.evaluate((url) => inPage.pixelFailure(url), file);
    expect(await of("/fixtures/images/README.md")).toMatchObject({ code: "image/not-an-image" });
    expect(await of("/fixtures/images/none.png")).toMatchObject({ code: "image/unreachable" });
    for (const file of ["plain.tiff", ...refused.map((name) => `kinds/${name}`), "kinds/tiff-zstd.tif"])
      expect(await of(`/fixtures/images/${file}`)).toMatchObject({ code: "image/unsupported" });
  });
});
