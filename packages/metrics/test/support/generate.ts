// The inputs of the golden numbers. oracle/metrics/common.py generates the same ones from the same seeds.
import { between, pick, randomNumbers } from "./random.ts";

/** fixtures/metrics/pieces.json: the parts of captions and answers. */
export interface Pieces {
  readonly captions: readonly (readonly string[])[];
  readonly separators: readonly string[];
  readonly answers: readonly (readonly string[])[];
}

export interface CaptionSet {
  readonly caption: string;
  readonly references: readonly string[];
}

/** An image's caption and five references, which share words. */
export function captionSet(pieces: Pieces, seed: number): CaptionSet {
  const random = randomNumbers(seed);
  const piece = () => pick(random, pick(random, pieces.captions));
  const shared = Array.from({ length: 10 }, piece);
  const caption = () => {
    let text = "";
    for (let left = between(random, 1, 14); left > 0; left--) {
      text += random() < 0.7 ? pick(random, shared) : piece();
      if (left > 1) text += pick(random, pieces.separators);
    }
    return text;
  };
  const references = Array.from({ length: 5 }, caption);
  return { caption: caption(), references };
}

export interface GeneratedQuestion {
  readonly answer: string;
  readonly answers: readonly string[];
  readonly answerType: string;
  readonly questionType: string;
}

/** A question with a model's answer and ten human answers, which often repeat. */
export function question(pieces: Pieces, seed: number): GeneratedQuestion {
  const random = randomNumbers(seed);
  const text = () => {
    let made = "";
    for (let left = between(random, 1, 4); left > 0; left--)
      made += pick(random, pick(random, pieces.answers)) + (left > 1 && random() < 0.7 ? " " : "");
    return made;
  };
  const few = Array.from({ length: between(random, 1, 4) }, text);
  const answers = Array.from({ length: 10 }, () => (random() < 0.9 ? pick(random, few) : text()));
  return {
    answer: random() < 0.9 ? pick(random, few) : text(),
    answers,
    answerType: pick(random, ["yes/no", "number", "other"]),
    questionType: pick(random, ["how many", "is the", "what color is the", "none of the above"]),
  };
}

export interface Ranking {
  readonly imageToText: readonly number[][];
  readonly textToImage: readonly number[][];
  readonly textsOfImage: readonly number[][];
}

/** Scores of 2 to 12 images and their 1 to 5 texts each. With `levels`, some scores are equal. */
export function ranking(seed: number, levels?: number): Ranking {
  const random = randomNumbers(seed);
  const score = () => (levels === undefined ? random() : Math.floor(random() * levels));
  const textsOfImage: number[][] = [];
  let texts = 0;
  for (let image = between(random, 2, 12); image > 0; image--)
    textsOfImage.push(Array.from({ length: between(random, 1, 5) }, () => texts++));
  const right = (image: number, text: number) => textsOfImage[image]?.includes(text) === true;
  const imageToText = textsOfImage.map((_, image) =>
    Array.from({ length: texts }, (__, text) => score() + (right(image, text) ? score() / 2 : 0)),
  );
  const textToImage = Array.from({ length: texts }, (_, text) =>
    textsOfImage.map((__, image) => score() + (right(image, text) ? score() / 2 : 0)),
  );
  return { imageToText, textToImage, textsOfImage };
}

/** Scores of 4 to 40 pairs with labels of both kinds. With `levels`, some scores are equal. */
export function labelledPairs(seed: number, levels?: number): { scores: number[]; labels: boolean[] } {
  const random = randomNumbers(seed);
  const labels = [true, false];
  for (let left = between(random, 2, 38); left > 0; left--) labels.push(random() < 0.5);
  const scores = labels.map((label) => {
    const score = (random() + (label ? random() : 0)) / 2;
    return levels === undefined ? score : Math.floor(score * levels) / levels;
  });
  return { scores, labels };
}

/** 32-bit FNV-1a of a text's UTF-16 units. */
export function fingerprint(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++)
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193) >>> 0;
  return hash;
}
