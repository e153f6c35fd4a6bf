// Pillow's own results (oracle/hf/image_goldens.py): equality is exact.
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { resizeBicubic } from "./resize-bicubic.ts";

interface Row {
  readonly from: [number, number];
  readonly to: [number, number];
  readonly seed: number;
  readonly extreme: boolean;
  readonly sha256: string;
}

const file = new URL("../../../../fixtures/goldens/resize.json", import.meta.url);
const { rows } = JSON.parse(await readFile(file, "utf8")) as { rows: Row[] };

/** The generator of the oracle's script. */
function generated(width: number, height: number, seed: number, extreme: boolean) {
  const data = new Uint8Array(width * height * 3);
  let state = seed;
  for (let index = 0; index < data.length; index++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const byte = state >>> 24;
    data[index] = extreme ? (byte >= 128 ? 255 : 0) : byte;
  }
  return { data, width, height };
}

describe("resizeBicubic", () => {
  test.each(rows)("gives Pillow's bytes from $from to $to", async ({ from, to, seed, extreme, sha256 }) => {
    const resized = await resizeBicubic(generated(...from, seed, extreme), ...to);
    expect([resized.width, resized.height]).toEqual(to);
    expect(createHash("sha256").update(resized.data).digest("hex")).toBe(sha256);
  });

  test("gives the picture itself where its size is right", async () => {
    const image = generated(5, 4, 1, false);
    expect(await resizeBicubic(image, 5, 4)).toBe(image);
  });

  test("lets the event loop run while it works, also within one long row", async () => {
    for (const [width, height] of [
      [2000, 1500],
      [3_000_000, 1],
    ] as const) {
      const image = generated(width, height, 1, false);
      let turns = 0;
      const timer = setInterval(() => turns++, 1);
      await resizeBicubic(image, 384, 384);
      clearInterval(timer);
      // Without pauses no timer would run at all; how often it does is the machine's business.
      expect(turns).toBeGreaterThan(2);
    }
  });
});
