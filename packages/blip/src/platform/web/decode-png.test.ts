// This package's PNG decoder against sharp's pixels, and PNGs of every form against their original pixels.
import { deflateSync } from "node:zlib";
import { readdir, readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { fixture } from "../../../test/support/goldens.ts";
import { toRgb } from "../../image/raw-image.ts";
import { decodeImage } from "../node/decode-image.ts";
import { decodePng, parsePng } from "./decode-png.ts";

const chunk = (type: string, data: Uint8Array) => {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(data.length);
  head.write(type, 4, "latin1");
  return Buffer.concat([head, data, Buffer.alloc(4)]);
};

/** A PNG of filtered rows. */
function png(
  header: { width: number; height: number; depth: number; type: number; adam7?: boolean },
  rows: Uint8Array,
) {
  const data = Buffer.alloc(13);
  data.writeUInt32BE(header.width);
  data.writeUInt32BE(header.height, 4);
  data.set([header.depth, header.type, 0, 0, header.adam7 === true ? 1 : 0], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return new Uint8Array(
    Buffer.concat([
      signature,
      chunk("IHDR", data),
      chunk("IDAT", deflateSync(rows)),
      chunk("IEND", Buffer.alloc(0)),
    ]),
  );
}

const decode = (bytes: Uint8Array<ArrayBuffer>) => decodePng(parsePng(bytes, "a.png"), "a.png");
const colours = { alpha: "drop", grey16: "scale", orientation: "stored" } as const;

describe("a PNG", async () => {
  const names = (await readdir(fixture("images"))).filter((name) => name.endsWith(".png"));

  test.each(names.filter((name) => !name.includes("trns")))("%s has sharp's pixels", async (name) => {
    const bytes = new Uint8Array(await readFile(fixture(`images/${name}`)));
    const found = await toRgb(await decode(bytes), colours);
    const expected = await decodeImage(fixture(`images/${name}`), colours);
    expect(Buffer.from(found.data).equals(Buffer.from(expected.data))).toBe(true);
  });

  test("undoes each filter", async () => {
    // Two rows of three grey pixels with every filter: none, left, up, their mean, Paeth.
    const first = [10, 20, 40];
    const rows: readonly (readonly number[])[] = [
      [0, 12, 24, 50],
      [1, 12, 12, 26],
      [2, 2, 4, 10],
      [3, 7, 8, 18],
      [4, 2, 4, 10],
    ];
    for (const row of rows) {
      const { data } = await decode(
        png({ width: 3, height: 2, depth: 8, type: 0 }, Uint8Array.from([0, ...first, ...row])),
      );
      expect(Array.from(data), `filter ${row[0] ?? ""}`).toEqual([...first, 12, 24, 50]);
    }
  });

  test("is put together of the passes of Adam7", async () => {
    const [width, height] = [5, 5];
    const pixel = (x: number, y: number) => y * 16 + x;
    const passes = [
      [0, 0, 8, 8],
      [4, 0, 8, 8],
      [0, 4, 4, 8],
      [2, 0, 4, 4],
      [0, 2, 2, 4],
      [1, 0, 2, 2],
      [0, 1, 1, 2],
    ] as const;
    const rows: number[] = [];
    for (const [left, top, across, down] of passes)
      for (let y = top; y < height; y += down) {
        const row: number[] = [];
        for (let x = left; x < width; x += across) row.push(pixel(x, y));
        if (row.length > 0) rows.push(0, ...row);
      }
    const { data } = await decode(
      png({ width, height, depth: 8, type: 0, adam7: true }, Uint8Array.from(rows)),
    );
    expect(Array.from(data)).toEqual(
      Array.from({ length: 25 }, (_, at) => pixel(at % width, Math.floor(at / width))),
    );
  });

  test("keeps 16 bits, and spreads few bits over a byte", async () => {
    const wide = await decode(
      png({ width: 1, height: 1, depth: 16, type: 2 }, Uint8Array.of(0, 1, 2, 3, 4, 5, 6)),
    );
    expect(wide).toMatchObject({ channels: 3, data: Uint16Array.of(0x0102, 0x0304, 0x0506) });
    const narrow = await decode(
      png({ width: 5, height: 1, depth: 2, type: 0 }, Uint8Array.of(0, 0b00011011, 0b01000000)),
    );
    expect(Array.from(narrow.data)).toEqual([0, 85, 170, 255, 85]);
  });

  test("that ends early, or is of no known form, is rejected", async () => {
    const whole = new Uint8Array(await readFile(fixture("images/rgba.png")));
    const short = whole.slice(0, whole.length - 40);
    await expect(async () => decode(short)).rejects.toMatchObject({ code: "image/truncated" });
    await expect(async () =>
      decode(png({ width: 2, height: 2, depth: 8, type: 0 }, Uint8Array.of(0, 1, 2))),
    ).rejects.toMatchObject({ code: "image/truncated" });
    expect(() =>
      parsePng(png({ width: 1, height: 1, depth: 3, type: 0 }, Uint8Array.of(0, 1)), "a.png"),
    ).toThrow(expect.objectContaining({ code: "image/unsupported" }) as Error);
  });

  test.each([
    [0, 1],
    [1, 0],
  ])("of %i x %i pixels is damaged, and says so", (width, height) => {
    expect(() => parsePng(png({ width, height, depth: 8, type: 0 }, Uint8Array.of(0)), "a.png")).toThrow(
      /a\.png: .*its header declares/,
    );
  });
});
