import { describe, expect, test } from "vitest";
import { cmykToRgb, isRawImage, toRgb, whitenColour, type RawImage, type ToRgbOptions } from "./raw-image.ts";

const white: ToRgbOptions = { alpha: "white", grey16: "clip" };
const drop: ToRgbOptions = { alpha: "drop", grey16: "clip" };

const row = (channels: RawImage["channels"], values: RawImage["data"]): RawImage => ({
  data: values,
  width: values.length / channels,
  height: 1,
  channels,
});

const bytesOf = async (image: RawImage, options: ToRgbOptions) => [...(await toRgb(image, options)).data];

describe("raw pixels", () => {
  test("over white equal transformers' arrays, round(a * v + (1 - a) * 255), for every value and alpha", async () => {
    const data = new Uint8Array(65536 * 2);
    for (let index = 0; index < 65536; index++) data.set([index & 255, index >> 8], index * 2);
    const rgb = await toRgb({ data, width: 256, height: 256, channels: 2 }, white);
    const wrong = Array.from({ length: 65536 }, (_, index) => index).filter((index) => {
      const [value, alpha] = [index & 255, (index >> 8) / 255];
      return rgb.data[index * 3] !== Math.round(alpha * value + (1 - alpha) * 255);
    });
    expect(wrong).toEqual([]);
  });

  test("over white give Pillow's bytes", async () => {
    const image = row(4, Uint8Array.of(0, 0, 0, 0, 255, 0, 10, 3, 10, 200, 30, 100, 128, 127, 126, 254));
    expect(await bytesOf(image, white)).toEqual([255, 255, 255, 255, 252, 252, 159, 233, 167, 128, 128, 127]);
  });

  test("keep the colour under transparency where alpha is dropped", async () => {
    expect(await bytesOf(row(4, Uint8Array.of(9, 8, 7, 0)), drop)).toEqual([9, 8, 7]);
    expect(await bytesOf(row(2, Uint8Array.of(9, 0)), drop)).toEqual([9, 9, 9]);
  });

  test("repeat grey three times", async () => {
    expect(await bytesOf(row(1, Uint8ClampedArray.of(5, 250)), white)).toEqual([5, 5, 5, 250, 250, 250]);
  });

  test("of RGB bytes are not copied", async () => {
    const data = Uint8Array.of(1, 2, 3);
    expect((await toRgb(row(3, data), white)).data.buffer).toBe(data.buffer);
  });

  test("of 16-bit grey are clipped with one warning, or scaled", async () => {
    let clips = 0;
    const onClip = () => clips++;
    const image = row(1, Uint16Array.of(0, 255, 256, 65535));
    expect(await bytesOf(image, { ...white, onClip })).toEqual([0, 0, 0, ...Array<number>(9).fill(255)]);
    expect(clips).toBe(1);
    expect(await bytesOf(image, { ...white, grey16: "scale", onClip })).toEqual(
      [0, 0, 1, 255].flatMap((value) => [value, value, value]),
    );
    await toRgb(row(1, Uint16Array.of(3, 255)), { ...white, onClip });
    expect(clips).toBe(1);
  });

  test("of 16-bit colours keep their high bytes", async () => {
    expect(await bytesOf(row(3, Uint16Array.of(255, 256, 65535)), white)).toEqual([0, 1, 255]);
  });

  test.each<[string, object, RegExp]>([
    ["too few values", { data: new Uint8Array(11), width: 2, height: 2, channels: 3 }, /expected 12 values/],
    ["no pixels", { data: new Uint8Array(0), width: 0, height: 2, channels: 3 }, /width.*got 0/],
    ["half a pixel", { data: new Uint8Array(3), width: 1, height: 0.5, channels: 3 }, /height.*got 0\.5/],
    ["five channels", { data: new Uint8Array(5), width: 1, height: 1, channels: 5 }, /1, 2, 3 or 4.*got 5/],
    ["floats", { data: new Float32Array(3), width: 1, height: 1, channels: 3 }, /Uint16Array/],
  ])("are refused with %s", async (_, image, message) => {
    await expect(toRgb(image as RawImage, white)).rejects.toMatchObject({
      code: "image/bad-raw",
      message: expect.stringMatching(message) as string,
    });
  });

  test("are known by their fields", () => {
    expect(isRawImage(row(1, Uint8Array.of(1)))).toBe(true);
    expect(isRawImage(new Uint8Array(3))).toBe(false);
  });
});

test("CMYK becomes RGB by Pillow's formula", async () => {
  const cmyk = [0, 0, 0, 0, 255, 0, 10, 3, 10, 200, 30, 100, 255, 255, 255, 255, 128, 127, 126, 254];
  const { data } = await cmykToRgb(Uint8Array.from(cmyk), 5, 1);
  expect([...data]).toEqual([255, 255, 255, 0, 252, 242, 149, 33, 137, 0, 0, 0, 0, 1, 1]);
});

test("a colour key becomes white where all three bytes are the key's", async () => {
  const image = { data: Uint8Array.of(1, 2, 3, 1, 2, 4), width: 2, height: 1 };
  expect([...(await whitenColour(image, [1, 2, 3])).data]).toEqual([255, 255, 255, 1, 2, 4]);
  expect([...image.data]).toEqual([1, 2, 3, 1, 2, 4]);
});
