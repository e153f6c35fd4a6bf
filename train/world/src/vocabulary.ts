// The vocabulary of this world's small models: the rows of bert-base-uncased's vocabulary that the sentences need,
// single characters so that nothing is unknown, and BERT's most frequent words up to a round number.
import { readFileSync } from "node:fs";
import { catalogue } from "./art/catalogue.ts";
import { Random } from "./random.ts";
import { sceneSource } from "./scene/sample.ts";
import { splitNames, worldNames } from "./scene/settings.ts";
import { captionsOf } from "./say/plan.ts";
import { besideWords, numberWords, openings, phraseOf, placePhrases, relationWords } from "./say/phrases.ts";
import { questionsOf } from "./say/questions.ts";
import { statementOf } from "./say/statements.ts";
import { spamWords } from "./say/web.ts";
import { colourNames } from "./words/colours.ts";
import { categories, concepts, pluralOfCategory } from "./words/concepts.ts";
import { places } from "./words/places.ts";

const bertPath = new URL("../../../packages/blip/models/bert-base-uncased/vocab.txt", import.meta.url);

/** The rows of bert-base-uncased's vocabulary, in order. */
export const bertRows = (): readonly string[] => readFileSync(bertPath, "utf8").trimEnd().split("\n");

/** Splits a text into words and marks like BERT's first tokenizer. */
export const wordsIn = (text: string): readonly string[] =>
  text
    .toLowerCase()
    .normalize("NFD")
    .replace(/[\u0300-\u036f]/g, "")
    .match(/[a-z0-9]+|[^\sa-z0-9]/g) ?? [];

/** The longest pieces from the left; undefined if a part has none. */
export function piecesOf(word: string, rows: ReadonlySet<string>): readonly string[] | undefined {
  const pieces: string[] = [];
  for (let at = 0; at < word.length;) {
    let end = word.length;
    const piece = (to: number) => (at === 0 ? "" : "##") + word.slice(at, to);
    while (end > at && !rows.has(piece(end))) end--;
    if (end === at) return undefined;
    pieces.push(piece(end));
    at = end;
  }
  return pieces;
}

/** The texts in the lists of words. */
function listedTexts(): readonly string[] {
  const things = concepts.flatMap(({ name, singular, plural, synonyms }) => [
    ...[name, singular, plural],
    ...synonyms.flatMap((_, synonym) => [1, 2].map((count) => phraseOf({ concept: name, count, synonym }))),
  ]);
  return [
    ...things,
    ...categories.flatMap((category) => [category, pluralOfCategory(category)]),
    ...[...colourNames, ...numberWords, ...besideWords, ...openings],
    ...Object.values(relationWords).flat(),
    ...places.flatMap((place) => [place.name, ...placePhrases(place)]),
    "a an and are is the of in on to it what where which how many more than there yes no left right top bottom",
    "small large little big 0 1 2 3 4 5 6 7 8 9 10",
  ];
}

/** The number of scenes of each world and split whose texts are collected. */
const scenesPerSplit = 160;

/** The texts of many scenes. */
function saidTexts(): readonly string[] {
  const texts: string[] = [];
  for (const world of worldNames)
    for (const split of splitNames) {
      const source = sceneSource(world, split, 0);
      for (let number = 0; number < scenesPerSplit; number++) {
        const scene = source.scene(number);
        const random = new Random(`${scene.key}/words`);
        texts.push(...captionsOf(random, scene, 4));
        for (const { question, answer } of questionsOf(random, scene, source.world.concepts, catalogue()))
          texts.push(question, answer);
      }
      if (world === "full" && split !== "S2b")
        for (let number = 0; number < scenesPerSplit; number++)
          texts.push(statementOf(source, number).sentence);
    }
  return texts;
}

let gathered: ReadonlySet<string> | undefined;

/** All words of all templates, without the words that only `spam` uses. */
export function templateWords(): ReadonlySet<string> {
  gathered ??= new Set([...listedTexts(), ...saidTexts()].flatMap(wordsIn));
  return gathered;
}

const first = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] as const;
const end = ["[DEC]", "[ENC]"] as const;
const letters = Array.from("abcdefghijklmnopqrstuvwxyz0123456789");
const marks = Array.from("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~");

/**
 * The rows of vocab.txt.
 * @param least the minimum number of rows; BERT's most frequent words fill up the rest
 */
export function vocabulary(least = 1536): readonly string[] {
  const bert = bertRows();
  const known = new Set(bert);
  const template = templateWords();
  const words = [...template, ...wordsIn(spamWords)];
  const pieces = words.flatMap((word) => {
    const parts = shortest(word, known) ?? [];
    return parts.length > 2 && template.has(word) ? [] : parts;
  });
  const own = [...template].filter((word) => (shortest(word, known) ?? []).length > 2);
  const rows = new Set<string>([...letters, ...letters.map((letter) => `##${letter}`), ...marks, ...pieces]);
  const fixed = first.length + own.length + end.length;
  for (const row of bert) {
    if (rows.size + fixed >= least) break;
    if (/^[a-z]{2,}$/.test(row)) rows.add(row);
  }
  // Words that BERT splits into three pieces or more are added whole at the end, to keep sentences short.
  return [...first, ...[...rows].sort(), ...own.sort(), ...end];
}

/** Two pieces if possible, otherwise the longest ones from the left. */
function shortest(word: string, known: ReadonlySet<string>): readonly string[] | undefined {
  const greedy = piecesOf(word, known);
  if (greedy === undefined || greedy.length <= 2) return greedy;
  for (let at = word.length - 1; at > 0; at--) {
    const two = [word.slice(0, at), `##${word.slice(at)}`];
    if (two.every((piece) => known.has(piece))) return two;
  }
  return greedy;
}

/** The words that take more than two rows, with their pieces. */
export function longWords(rows: readonly string[]): readonly (readonly string[])[] {
  const known = new Set(rows);
  return [...templateWords()].flatMap((word) => {
    const pieces = piecesOf(word, known);
    return pieces !== undefined && pieces.length <= 2 ? [] : [[word, ...(pieces ?? ["[UNK]"])]];
  });
}
