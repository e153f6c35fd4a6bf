// Inputs of the measures. They come from formulas, so that a peer in another language can compute the same inputs.
// Times do not depend on the content of an image.
import type { RawImage, Tensor } from "blip-ts";

/** Tokens of a text, including the first and the last. */
export const textTokens = 12;
/** Pairs of the two matching measures. */
export const pairs = 128;
/** Tokens of a caption, not including [SEP]. */
export const captionTokens = 20;
/** The text of the first score. */
export const firstText = "a woman and a dog sitting together in a beach.";

/** ((7919 i) mod 4096) / 2048 - 1, times `scale`: the same numbers in every language. */
export function formulaNumbers(dims: readonly number[], scale: number): Tensor<"float32"> {
  const length = dims.reduce((product, size) => product * size, 1);
  const data = new Float32Array(length);
  for (let i = 0; i < length; i++) data[i] = (((i * 7919) % 4096) / 2048 - 1) * scale;
  return { dtype: "float32", dims, data };
}

/** Ids [rows, tokens]: 1 + (131 row + 17 column) mod (V - 2). */
export function formulaIds(rows: number, tokens: number, vocabSize: number): Tensor<"int64"> {
  const data = new BigInt64Array(rows * tokens);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < tokens; column++)
      data[row * tokens + column] = BigInt(1 + ((131 * row + 17 * column) % (vocabSize - 2)));
  return { dtype: "int64", dims: [rows, tokens], data };
}

/** Repeats one row of ids, once per image. */
export function repeated({ data }: Tensor<"int64">, count: number): Tensor<"int64"> {
  const all = new BigInt64Array(data.length * count);
  for (let row = 0; row < count; row++) all.set(data, row * data.length);
  return { dtype: "int64", dims: [count, data.length], data: all };
}

/** An image of 640 x 480, as raw pixels. */
export function formulaImage(): RawImage {
  const [width, height, channels] = [640, 480, 3] as const;
  const data = new Uint8Array(width * height * channels);
  for (let index = 0; index < data.length; index++) data[index] = (index * 7919) % 251;
  return { data, width, height, channels };
}

/** The scale of images after normalization. */
export const pixelScale = 2;
/** The scale of states after a LayerNorm. */
export const stateScale = 1.7;
