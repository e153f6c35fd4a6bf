// Computes the cosines of all images with all texts, image by image: the ranks of the right candidates, and the best k
// per query. The full matrix is never in memory.
import { missed, must, nextTurn } from "@blip-ts/base";
import type { QueryPlaces } from "@blip-ts/metrics";
import { TopLists } from "./top-lists.ts";

/** Concatenated unit vectors, with a flag per existing vector. Failed items are neither queries nor candidates. */
export interface Features {
  readonly data: Float32Array;
  readonly present: readonly boolean[];
}

export interface CosineRanking {
  /** The ranks for existing images and for existing texts, in order. */
  readonly imagePlaces: readonly QueryPlaces[];
  readonly textPlaces: readonly QueryPlaces[];
  /** The best texts per image, and the best images per text. */
  readonly textsOf: TopLists;
  readonly imagesOf: TopLists;
}

/**
 * The cosine of an image and a text of E numbers. Products are summed in order, in float64, and rounded to float32
 * once, so a pair has the same cosine in any block.
 */
export function cosineOf(
  images: Float32Array,
  image: number,
  texts: Float32Array,
  text: number,
  E: number,
): number {
  let sum = 0;
  for (let k = 0; k < E; k++)
    sum +=
      (images[image * E + k] ?? missed("a unit vector")) * (texts[text * E + k] ?? missed("a unit vector"));
  return Math.fround(sum);
}

/** Computes the cosines of an image with all texts, four texts at a time, each with its own sum. */
function cosineRow(
  images: Float32Array,
  image: number,
  texts: Float32Array,
  E: number,
  row: Float32Array,
): void {
  const base = image * E;
  let text = 0;
  for (; text + 4 <= row.length; text += 4) {
    let [a, b, c, d] = [0, 0, 0, 0];
    let at = text * E;
    for (let k = 0; k < E; k++, at++) {
      const x = images[base + k] ?? missed("a unit vector");
      a += x * (texts[at] ?? missed("a unit vector"));
      b += x * (texts[at + E] ?? missed("a unit vector"));
      c += x * (texts[at + 2 * E] ?? missed("a unit vector"));
      d += x * (texts[at + 3 * E] ?? missed("a unit vector"));
    }
    row[text] = a;
    row[text + 1] = b;
    row[text + 2] = c;
    row[text + 3] = d;
  }
  for (; text < row.length; text++) row[text] = cosineOf(images, image, texts, text, E);
}

/** The rank of the best right text. Among equal scores, later texts come first, as in `retrievalReport`. */
function placesInRow(row: Float32Array, present: readonly boolean[], right: readonly number[]): QueryPlaces {
  let best = -Infinity;
  for (const text of right)
    if (present[text] === true) best = Math.max(best, row[text] ?? missed("a cosine"));
  const isRight = new Set(right);
  let [above, wrong, lastRight, wrongLater] = [0, 0, -1, 0];
  for (let text = 0; text < row.length; text++) {
    if (present[text] !== true) continue;
    const score = row[text] ?? missed("a cosine");
    if (score > best) above++;
    else if (score === best) {
      if (isRight.has(text)) [lastRight, wrongLater] = [text, 0];
      else {
        wrong++;
        wrongLater++;
      }
    }
  }
  if (lastRight < 0) throw new Error("an image that is a query has no text");
  return { rank: above + wrongLater, best: above, worst: above + wrong };
}

/** @param tiedLater the number of tied images after the text's own image */
const placesFrom = (above: number, tied: number, tiedLater: number): QueryPlaces => ({
  rank: above + tiedLater,
  best: above,
  worst: above + tied,
});

/** The number of images between checks of the signal. */
const pauseEvery = 16;

/**
 * Ranks both directions by cosine.
 * @param E the length of a unit vector @param k the number of candidates to keep per ranking
 */
export async function rankCosines(
  images: Features,
  texts: Features,
  E: number,
  textsOfImage: readonly (readonly number[])[],
  k: number,
  signal?: AbortSignal,
): Promise<CosineRanking> {
  const [I, T] = [images.present.length, texts.present.length];
  const textsOf = new TopLists(I, Math.min(k, T));
  const imagesOf = new TopLists(T, Math.min(k, I));
  const imageOf = new Int32Array(T).fill(-1);
  textsOfImage.forEach((own, image) => own.forEach((text) => (imageOf[text] = image)));
  // Compute each text's score with its own image first, so that one pass can count the images above it.
  const own = new Float32Array(T);
  for (let text = 0; text < T; text++)
    own[text] = cosineOf(images.data, imageOf[text] ?? missed("the image of a text"), texts.data, text, E);
  const [above, tied, tiedLater] = [new Uint32Array(T), new Uint32Array(T), new Uint32Array(T)];
  const imagePlaces: QueryPlaces[] = [];
  const row = new Float32Array(T);
  for (let image = 0; image < I; image++) {
    if (images.present[image] !== true) continue;
    if (image % pauseEvery === 0) {
      await nextTurn();
      signal?.throwIfAborted();
    }
    cosineRow(images.data, image, texts.data, E, row);
    const right = must(textsOfImage, image);
    if (right.some((text) => texts.present[text] === true))
      imagePlaces.push(placesInRow(row, texts.present, right));
    for (let text = 0; text < T; text++) {
      if (texts.present[text] !== true) continue;
      const score = row[text] ?? missed("a cosine");
      const mine = own[text] ?? missed("a cosine");
      if (score > mine) above[text] = (above[text] ?? missed("a count")) + 1;
      else if (score === mine && image !== imageOf[text]) {
        tied[text] = (tied[text] ?? missed("a count")) + 1;
        if (image > (imageOf[text] ?? missed("the image of a text")))
          tiedLater[text] = (tiedLater[text] ?? missed("a count")) + 1;
      }
      if (k > 0) {
        textsOf.offer(image, text, score);
        imagesOf.offer(text, image, score);
      }
    }
  }
  const asked = [...own.keys()].filter(
    (text) =>
      texts.present[text] === true && images.present[imageOf[text] ?? missed("the image of a text")] === true,
  );
  const textPlaces = asked.map((text) =>
    placesFrom(must(above, text), must(tied, text), must(tiedLater, text)),
  );
  return { imagePlaces, textPlaces, textsOf, imagesOf };
}
