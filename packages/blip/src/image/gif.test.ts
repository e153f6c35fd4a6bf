// Expected values are Pillow 13's results for the same bytes. Images written by Pillow itself are compared in
// platform/node/decode-image.test.ts.
import { describe, expect, test } from "vitest";
import { decodeGif, parseGif } from "./gif.ts";
import type { Alpha } from "./raw-image.ts";

interface Parts {
  readonly screen?: [number, number];
  readonly place?: [number, number];
  readonly size?: [number, number];
  readonly interlaced?: boolean;
  readonly transparent?: number;
  readonly colours?: number[];
  readonly indices: number[];
  /** Truncates the codes after this many bytes. */
  readonly cut?: number;
}

const word = (value: number) => [value & 255, value >> 8];

/** Writes every index as its own code; the reader's table still fills up, so the codes get longer. */
function codes(indices: number[]): number[] {
  let [next, size] = [6, 3];
  const sized = [...indices, 5].map((code, index) => {
    if (index > 1 && next < 4096 && ++next === 1 << size && size < 12) size++;
    return code.toString(2).padStart(size, "0").split("").reverse().join("");
  });
  const bits = ["001", ...sized].join("");
  return (bits.match(/.{1,8}/g) ?? []).map((byte) => parseInt(byte.split("").reverse().join(""), 2));
}

const blocks = (bytes: number[]): number[] =>
  bytes.length === 0
    ? []
    : [Math.min(255, bytes.length), ...bytes.slice(0, 255), ...blocks(bytes.slice(255))];

/** Four colours: 10 20 30, 11 21 31, 12 22 32, 13 23 33. */
const four = [0, 1, 2, 3].flatMap((index) => [10 + index, 20 + index, 30 + index]);

function gif({ size = [2, 2], screen = size, place = [0, 0], colours = four, ...parts }: Parts): Uint8Array {
  const packed = codes(parts.indices).slice(0, parts.cut);
  const control = parts.transparent === undefined ? [] : [0x21, 0xf9, 4, 1, 0, 0, parts.transparent, 0];
  return Uint8Array.of(
    ...Array.from("GIF89a", (letter) => letter.charCodeAt(0)),
    ...[...screen.flatMap(word), 0x80 | (Math.log2(colours.length / 3) - 1), 3, 0, ...colours],
    ...control,
    ...[0x2c, ...place.flatMap(word), ...size.flatMap(word), parts.interlaced ? 0x40 : 0],
    ...[2, ...blocks(packed)],
    ...(parts.cut === undefined ? [0, 0x3b] : []),
  );
}

/** The red value of every pixel: 10 for colour 0, and so on. */
async function reds(bytes: Uint8Array, alpha: Alpha = "white") {
  const { data } = await decodeGif(bytes, parseGif(bytes, "a.gif"), "a.gif", alpha);
  return [...data].filter((_, index) => index % 3 === 0);
}

describe("decodeGif", () => {
  test("looks indices up", async () => {
    const bytes = gif({ indices: [0, 1, 2, 3] });
    const image = await decodeGif(bytes, parseGif(bytes, "a.gif"), "a.gif", "white");
    expect(image).toEqual({ width: 2, height: 2, data: Uint8Array.from(four) });
  });

  test("continues with codes of 12 bits when its table is full", async () => {
    const indices = Array.from({ length: 6000 }, (_, index) => (index * index) % 4);
    expect(await reds(gif({ indices, size: [100, 60] }))).toEqual(indices.map((index) => 10 + index));
  });

  test("makes the transparent colour white, or keeps what lies under it", async () => {
    const bytes = gif({ indices: [0, 1, 2, 3], transparent: 2 });
    expect(await reds(bytes)).toEqual([10, 11, 255, 13]);
    expect(await reds(bytes, "drop")).toEqual([10, 11, 12, 13]);
  });

  test("lays colour 0 around a frame that is smaller than the screen, or the transparent one", async () => {
    const parts: Parts = { indices: [1], size: [1, 1], screen: [3, 2], place: [1, 1] };
    expect(await reds(gif(parts))).toEqual([10, 10, 10, 10, 11, 10]);
    expect(await reds(gif({ ...parts, transparent: 2 }), "drop")).toEqual([12, 12, 12, 12, 11, 12]);
    expect(await reds(gif({ ...parts, transparent: 2 }))).toEqual([255, 255, 255, 255, 11, 255]);
  });

  test("widens the screen to its first frame", () => {
    const frame = parseGif(gif({ indices: [1], size: [1, 1], screen: [1, 1], place: [4, 2] }), "a.gif");
    expect([frame.width, frame.height]).toEqual([5, 3]);
  });

  test("puts interlaced rows in their places", async () => {
    const indices = [0, 1, 2, 2, 3, 3, 3, 3];
    expect(await reds(gif({ indices, size: [1, 8], interlaced: true }))).toEqual([
      10, 13, 12, 13, 11, 13, 12, 13,
    ]);
  });

  test("takes black for an index behind the colours, and its number where they are a grey ramp", async () => {
    expect(await reds(gif({ indices: [0, 1, 2, 3], colours: four.slice(0, 6) }))).toEqual([10, 11, 0, 0]);
    expect(await reds(gif({ indices: [0, 1, 2, 3], colours: [0, 0, 0, 1, 1, 1] }))).toEqual([0, 1, 2, 3]);
  });

  test("leaves what a frame does not say at colour 0, or the transparent one", async () => {
    expect(await reds(gif({ indices: [1, 2] }))).toEqual([11, 12, 10, 10]);
    expect(await reds(gif({ indices: [1, 2], transparent: 3 }), "drop")).toEqual([11, 12, 13, 13]);
  });

  test("rejects pixels that end too early, codes without sense and a file without a frame", async () => {
    const refused = { code: "image/truncated" };
    await expect(reds(gif({ indices: [0, 1, 2, 3], cut: 1 }))).rejects.toMatchObject(refused);
    // Code 7 is undefined at this point.
    await expect(reds(gif({ indices: [7] }))).rejects.toMatchObject(refused);
    expect(() => parseGif(gif({ indices: [0] }).subarray(0, 25), "a.gif")).toThrow(/first frame is missing/);
  });
});
