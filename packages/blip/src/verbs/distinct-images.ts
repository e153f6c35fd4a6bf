// Groups requests about images for the network: each distinct image once, with equally many rows per image in a group.
import { atLeast, missed } from "@blip-ts/base";
import type { Tensor } from "@blip-ts/graph";
import type { EncodedTexts } from "../text/word-piece.ts";

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

/** Whether two images are the same. Compares paths and URLs by text, bytes by content, anything else by identity. */
export function sameImage(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (a instanceof Uint8Array && b instanceof Uint8Array) return sameBytes(a, b);
  if (a instanceof ArrayBuffer && b instanceof ArrayBuffer)
    return sameBytes(new Uint8Array(a), new Uint8Array(b));
  return false;
}

/** The distinct images of requests, and the index of each request's image. */
export interface Distinct<ImageInput> {
  readonly images: readonly ImageInput[];
  readonly which: readonly number[];
}

export function distinctOf<ImageInput>(inputs: readonly ImageInput[]): Distinct<ImageInput> {
  const images: ImageInput[] = [];
  const which = inputs.map((image) => {
    const known = images.findIndex((one) => sameImage(one, image));
    return known < 0 ? images.push(image) - 1 : known;
  });
  return { images, which };
}

/** Picks rows of a tensor's first dimension. */
export function pickRows(tensor: Tensor<"float32">, rows: readonly number[]): Tensor<"float32"> {
  const [count, ...rest] = atLeast(tensor.dims, 1);
  if (rows.length === count && rows.every((row, index) => row === index)) return tensor;
  const size = rest.reduce((a, b) => a * b, 1);
  const data = new Float32Array(rows.length * size);
  rows.forEach((row, index) => {
    if (!(row >= 0 && row < count)) missed("rows of the tensor");
    data.set(tensor.data.subarray(row * size, (row + 1) * size), index * size);
  });
  return { dtype: "float32", dims: [rows.length, ...rest], data };
}

/** Picks rows of encoded texts. */
export function pickTexts({ inputIds, attentionMask }: EncodedTexts, rows: readonly number[]): EncodedTexts {
  const pick = ({ dims, data }: Tensor<"int64">): Tensor<"int64"> => {
    const [count, T] = atLeast(dims, 2);
    const picked = rows.flatMap((row) =>
      row >= 0 && row < count ? [...data.subarray(row * T, (row + 1) * T)] : missed("texts"),
    );
    return { dtype: "int64", dims: [rows.length, T], data: BigInt64Array.from(picked) };
  };
  return { inputIds: pick(inputIds), attentionMask: pick(attentionMask) };
}

/** Images with equally many rows. The first `rows.length / images.length` rows belong to the first image, and so on. */
export interface FullGroup {
  readonly images: readonly number[];
  readonly rows: readonly number[];
}

/**
 * Groups rows by image, so that the network can share an image's work among its rows.
 * @param places the image of each row @param most the most rows per image in one group, which holds no image twice
 */
export function fullGroups(places: readonly number[], most: number): FullGroup[] {
  const byImage = new Map<number, number[]>();
  places.forEach((image, row) => byImage.set(image, [...(byImage.get(image) ?? []), row]));
  const groups = new Map<string, { images: number[]; rows: number[] }>();
  for (const [image, rows] of byImage)
    for (let from = 0; from < rows.length; from += most) {
      const part = rows.slice(from, from + most);
      const key = `${from} ${part.length}`;
      const group = groups.get(key) ?? { images: [], rows: [] };
      group.images.push(image);
      group.rows.push(...part);
      groups.set(key, group);
    }
  return [...groups.values()];
}
