// Rankings without the matrix of all pairs give the results of `retrievalReport` over the whole matrix, including ties.
import { rankReport, retrievalReport } from "@blip-ts/metrics";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { pack, unpackFloats, unpackIndices } from "./packed.ts";
import { rerankedPlaces } from "./places.ts";
import { rankCosines } from "./rank-cosines.ts";
import { TopLists } from "./top-lists.ts";

/** Vectors with few different numbers, so that many cosines are equal. */
const vectors = (count: number, E: number) =>
  fc.array(fc.integer({ min: -1, max: 1 }), { minLength: count * E, maxLength: count * E });

const sizes = fc.record({ images: fc.integer({ min: 1, max: 7 }), each: fc.integer({ min: 1, max: 3 }) });

const ranking = sizes.chain(({ images, each }) =>
  fc.record({
    images: vectors(images, 3),
    texts: vectors(images * each, 3),
    each: fc.constant(each),
    k: fc.integer({ min: 1, max: 5 }),
  }),
);

const all = (count: number) => Array.from({ length: count }, () => true);

describe("rankCosines", () => {
  test("gives the report of the whole matrix, and the best k of each query", async () => {
    await fc.assert(
      fc.asyncProperty(ranking, async ({ images, texts, each, k }) => {
        const [I, T] = [images.length / 3, texts.length / 3];
        const textsOfImage = Array.from({ length: I }, (_, image) =>
          Array.from({ length: each }, (_own, text) => image * each + text),
        );
        const dot = (image: number, text: number) =>
          [0, 1, 2].reduce(
            (sum, at) => sum + (images[3 * image + at] ?? NaN) * (texts[3 * text + at] ?? NaN),
            0,
          );
        const imageToText = Array.from({ length: I }, (_, i) =>
          Array.from({ length: T }, (_t, t) => dot(i, t)),
        );
        const textToImage = Array.from({ length: T }, (_, t) =>
          Array.from({ length: I }, (_i, i) => dot(i, t)),
        );
        const whole = retrievalReport(imageToText, textToImage, textsOfImage);
        const found = await rankCosines(
          { data: Float32Array.from(images), present: all(I) },
          { data: Float32Array.from(texts), present: all(T) },
          3,
          textsOfImage,
          k,
        );
        expect(rankReport(found.imagePlaces)).toEqual(whole.imageToText);
        expect(rankReport(found.textPlaces)).toEqual(whole.textToImage);
        const best = (row: readonly number[]) =>
          [...row.keys()].sort((a, b) => (row[b] ?? 0) - (row[a] ?? 0) || a - b).slice(0, k);
        imageToText.forEach((row, image) => expect([...found.textsOf.best(image)]).toEqual(best(row)));
        textToImage.forEach((row, text) => expect([...found.imagesOf.best(text)]).toEqual(best(row)));
      }),
      { numRuns: 200 },
    );
  });

  test("leaves out what failed: no query, no candidate", async () => {
    const images = { data: Float32Array.from([1, 0, 0, 1, 1, 0]), present: [true, true, false] };
    const texts = { data: Float32Array.from([1, 0, 0, 1, 1, 0]), present: [true, false, true] };
    const found = await rankCosines(images, texts, 2, [[0], [1], [2]], 2);
    // Image 1 has no text left, and text 2 no image. Text 2 still competes for image 0, and ties with its own text.
    expect(found.imagePlaces).toEqual([{ rank: 1, best: 0, worst: 1 }]);
    expect(found.textPlaces).toEqual([{ rank: 0, best: 0, worst: 0 }]);
    expect([...found.textsOf.best(0)]).toEqual([0, 2]);
  });
});

test("TopLists keeps the best of any number, the earlier of equals", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1 }),
      fc.integer({ min: 1, max: 6 }),
      (scores, k) => {
        const lists = new TopLists(2, k);
        scores.forEach((score, candidate) => lists.offer(1, candidate, score));
        const wanted = [...scores.keys()]
          .sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0) || a - b)
          .slice(0, k);
        expect([...lists.best(1)]).toEqual(wanted);
        expect([...lists.best(0)]).toEqual([]);
      },
    ),
  );
});

test("rerankedPlaces counts what was not re-ranked as -100, as BLIP's matrices have it", () => {
  const scores = fc.integer({ min: -3, max: 3 });
  const given = fc.array(fc.record({ score: scores, looked: fc.boolean(), right: fc.boolean() }), {
    minLength: 1,
  });
  fc.assert(
    fc.property(given, (candidates) => {
      const right = candidates.flatMap((one, index) => (one.right ? [index] : []));
      const looked = [...candidates.keys()].filter((index) => candidates[index]?.looked);
      const row = candidates.map((one) => (one.looked ? one.score : -100));
      const others = [...candidates.keys()].filter((index) => !right.includes(index));
      fc.pre(right.length > 0 && others.length > 0);
      // Every other candidate is right for a second image, whose result is not used.
      const whole = retrievalReport(
        [row, row],
        row.map((_, text) => [right.includes(text) ? 1 : 0, 0]),
        [right, others],
      );
      const places = rerankedPlaces(
        looked,
        looked.map((index) => row[index] ?? NaN),
        right,
        all(candidates.length),
      );
      const second = rerankedPlaces(
        looked,
        looked.map((index) => row[index] ?? NaN),
        others,
        all(candidates.length),
      );
      expect(rankReport([places, second])).toEqual(whole.imageToText);
    }),
    { numRuns: 300 },
  );
});

test("packed numbers come back bit for bit, and what is no packed text does not", () => {
  fc.assert(
    fc.property(fc.float32Array(), fc.uint32Array(), (floats, indices) => {
      expect(unpackFloats(pack(floats), floats.length)).toEqual(floats);
      expect(unpackIndices(pack(indices))).toEqual(indices);
      expect(Buffer.from(pack(indices), "base64")).toEqual(Buffer.from(indices.buffer));
    }),
  );
  expect(unpackFloats(pack(new Float32Array(2)), 3)).toBeUndefined();
  for (const wrong of [7, "abc", "ab!=", "AAA="]) expect(unpackIndices(wrong)).toBeUndefined();
});
