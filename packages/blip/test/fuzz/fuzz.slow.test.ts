// Each target for some thousand cases of a fixed seed. `npm run fuzz TARGET MINUTES` runs others.
import { expect, test } from "vitest";
import { decodeImage } from "../../src/platform/node/decode-image.ts";
import { fuzz } from "./harness.ts";
import { withEdits } from "./image-parts.ts";
import { imageFiles } from "./images.ts";
import { targets } from "./targets.ts";

const seed = 20220128;

test.each(targets.map((target) => [target.name, target] as const))(
  "%s: nothing but errors on purpose, within bounds of time and memory",
  async (name, target) => {
    const { cases, slowest, megabytes, endings } = await fuzz(target, { seed });
    expect(cases).toBe(target.cases);
    // Inputs that are all refused at the door, or none of them, would test nothing.
    expect(endings.size).toBeGreaterThan(2);
    if (!name.endsWith("headers"))
      expect([...endings.keys()].some((ending) => /^(?:opened|loaded|read)/.test(ending))).toBe(true);
    console.info(
      `${name}: slowest ${slowest.toFixed(0)} ms, ${megabytes.toFixed(0)} MB`,
      Object.fromEntries(endings),
    );
  },
);

test("names of targets are their own", () => {
  expect(new Set(targets.map(({ name }) => name)).size).toBe(targets.length);
});

test("an image that is taken apart and put together is the same, so that edits reach its pixels", async () => {
  const options = { alpha: "white", orientation: "upright", grey16: "clip" } as const;
  const formats = new Set<string>();
  for (const { format, bytes } of imageFiles) {
    const image = await decodeImage(bytes, options).catch(() => undefined);
    if (!image) continue;
    expect(await decodeImage(withEdits(format, bytes, []), options)).toEqual(image);
    formats.add(format);
  }
  expect([...formats].sort()).toEqual(["avif", "gif", "jpeg", "png", "tiff", "webp"]);
});
