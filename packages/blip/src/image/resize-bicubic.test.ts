// Pillow's own results (oracle/hf/image_goldens.py), compared exactly.
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { describe, expect, test, vi } from "vitest";
import { type PillowOrder, pillowOrders, resizeBicubic } from "./resize-bicubic.ts";

interface Row {
  readonly from: [number, number];
  readonly to: [number, number];
  readonly seed: number;
  readonly extreme: boolean;
  readonly sha256: string;
}

interface OrderRow extends Readonly<Record<PillowOrder, string>> {
  readonly from: [number, number];
  readonly to: [number, number];
  readonly seed: number;
}

const { rows: orders } = JSON.parse(
  await readFile(new URL("../../../../fixtures/goldens/pillow-order.json", import.meta.url), "utf8"),
) as { rows: OrderRow[] };
const file = new URL("../../../../fixtures/goldens/resize.json", import.meta.url);
const { rows } = JSON.parse(await readFile(file, "utf8")) as { rows: Row[] };

/** The generator in the oracle's script. */
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
    const resized = await resizeBicubic(generated(...from, seed, extreme), ...to, "13");
    expect([resized.width, resized.height]).toEqual(to);
    expect(createHash("sha256").update(resized.data).digest("hex")).toBe(sha256);
  });

  test.each(orders.flatMap((row) => pillowOrders.map((order) => ({ ...row, order }))))(
    "gives the bytes of Pillow $order from $from to $to",
    async ({ from, to, seed, order, ...golden }) => {
      const resized = await resizeBicubic(generated(...from, seed, false), ...to, order);
      expect(createHash("sha256").update(resized.data).digest("hex")).toBe(golden[order]);
    },
  );

  test("the two orders differ on the portrait photographs of COCO and Flickr30k", () => {
    const different = orders.filter((row) => row["10"] !== row["13"]).map(({ from }) => from.join("x"));
    expect(different).toEqual(expect.arrayContaining(["480x640", "427x640", "375x500", "333x500"]));
    expect(different).not.toContain("640x480");
  });

  // Pillow 13.0.0, in cases where the order of its two passes matters.
  test.each<[from: [number, number], to: [number, number], seed: number, expected: string]>([
    [[17, 27], [12, 17], 187, "655f4ea6b107862aac9f0bf217110f233887d85c394cfd68a9b5c968c6f2c1d3"],
    [[14, 28], [5, 9], 17, "2e1b3566c58ab7bedc433a85e148d5b5009f8dabdaf1559f20bcf04b8fae5798"],
  ])("chooses the first pass as Pillow does from %j to %j", async (from, to, seed, expected) => {
    const resized = await resizeBicubic(generated(...from, seed, true), ...to, "13");
    expect(createHash("sha256").update(resized.data).digest("hex")).toBe(expected);
  });

  test("gives the image itself where its size is right", async () => {
    const image = generated(5, 4, 1, false);
    expect(await resizeBicubic(image, 5, 4, "13")).toBe(image);
  });

  test("lets the event loop run while it works", async () => {
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    await resizeBicubic(generated(2000, 1500, 1, false), 384, 384, "13");
    clearInterval(timer);
    // Without pauses no timer would run at all; the number of turns depends on the machine.
    expect(turns).toBeGreaterThan(2);
  });

  test("looks at the clock within a row, too", async () => {
    const clock = vi.spyOn(Date, "now");
    await resizeBicubic(generated(1_000_000, 1, 1, false), 384, 1, "13");
    // One clock check for the weights of each pixel, and one for each 2^17 multiplications of the sums.
    expect(clock.mock.calls.length).toBeGreaterThan(384 + 50);
    clock.mockRestore();
  });
});
