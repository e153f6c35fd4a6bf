// Finds the things that captions name, and compares them with the things in the images.
import { last } from "@blip-ts/base";
import plur from "plur";
import { ambiguousTerm, nothingIn, notOneFor, unknownThing } from "./errors.ts";

/** A thing of the vocabulary, with its names in captions. */
export interface Thing {
  /** The thing's name, as captions may use it. */
  readonly name: string;
  /** Other words for the thing, in the singular. */
  readonly synonyms?: readonly string[];
  /**
   * The plurals of the name and the synonyms. Default: English plurals, including irregular ones ("people", "sheep").
   */
  readonly plurals?: readonly string[];
}

/** Precision, recall and F1 of the things that captions name. */
export interface ThingScores {
  /** The share of the named things that are present, 0 to 1. */
  readonly precision: number;
  /** The share of the present things that are named, 0 to 1. */
  readonly recall: number;
  /** 2 precision recall / (precision + recall), 0 to 1. */
  readonly f1: number;
}

/** The scores of a caption, and the things that the caption names. */
export interface CaptionThings extends ThingScores {
  /** The names of the things in the caption, in order, without duplicates. */
  readonly named: readonly string[];
}

/** Scores of all captions together. */
export interface ThingMetrics extends ThingScores {
  /** The scores of each caption. */
  readonly each: readonly CaptionThings[];
}

/** Splits a term into words in lower case, without separators. */
const wordsOf = (term: string) =>
  term
    .normalize("NFC")
    .toLowerCase()
    .match(/[\p{L}\p{M}\p{N}]+/gu) ?? [];

const key = (words: readonly string[]) => words.join(" ");

function plural(words: readonly string[]): string[] {
  return [...words.slice(0, -1), plur(last(words))];
}

/** Maps each term of the vocabulary to its thing's name. A given term takes precedence over a generated plural. */
function termsOf(vocabulary: readonly Thing[]): Map<string, string> {
  const terms = new Map<string, string>();
  const made = new Map<string, string>();
  const add = (to: Map<string, string>, words: readonly string[], name: string) => {
    const other = to.get(key(words));
    if (other !== undefined && other !== name) throw ambiguousTerm(key(words), other, name);
    to.set(key(words), name);
  };
  for (const [index, { name, synonyms = [], plurals }] of vocabulary.entries()) {
    const written = [name, ...synonyms, ...(plurals ?? [])].map(wordsOf);
    for (const words of written) {
      if (words.length === 0) throw nothingIn(`vocabulary[${index}]`, "letter or digit in each term");
      add(terms, words, name);
    }
    if (plurals === undefined) for (const words of written) add(made, plural(words), name);
  }
  return new Map([...made, ...terms]);
}

/** Creates a function that finds things in captions. If several terms match at a place, the longest term wins. */
function finder(vocabulary: readonly Thing[]): (caption: string) => string[] {
  const terms = termsOf(vocabulary);
  const longestFirst = [...terms.keys()].sort((a, b) => b.length - a.length);
  const alternatives = longestFirst.map((term) => term.replaceAll(" ", "[\\s\\p{Pd}'\u2019]+")).join("|");
  const pattern = new RegExp(`(?<![\\p{L}\\p{M}\\p{N}])(?:${alternatives})(?![\\p{L}\\p{M}\\p{N}])`, "gu");
  return (caption) => {
    const found = caption.normalize("NFC").toLowerCase().match(pattern) ?? [];
    return [...new Set(found.map((term) => terms.get(key(wordsOf(term))) ?? ""))];
  };
}

/** Computes the scores from the counts of correct, named and present things. */
function scores(right: number, named: number, there: number): ThingScores {
  if (named + there === 0) return { precision: 1, recall: 1, f1: 1 };
  const ratio = (whole: number) => (whole === 0 ? 0 : right / whole);
  return { precision: ratio(named), recall: ratio(there), f1: (2 * right) / (named + there) };
}

/**
 * Finds the names of the things in a caption, in order, without duplicates. A term matches in upper and lower case, at
 * word boundaries ("cat" is not in "cattle"), in the singular and the plural. The longest term at a place wins: "hot
 * dog" names no dog. Within a term, a hyphen or an apostrophe is equivalent to a space.
 * @throws {UsageError} `usage/bad-option` if the vocabulary is empty, has a term without letters, or has the same term
 * for two things
 */
export function namedThings(caption: string, vocabulary: readonly Thing[]): string[] {
  if (vocabulary.length === 0) throw nothingIn("vocabulary", "thing");
  return finder(vocabulary)(caption);
}

/**
 * Computes precision = right / named, recall = right / present, F1 = 2 right / (named + present), from 0 to 1. The
 * counts of distinct things are summed over all captions (micro averages). 0 / 0 is 0, but a caption that names nothing
 * scores 1 if nothing is present.
 * @param captions one caption per image @param things for each image, the names of the present things
 * @param vocabulary all things that count; other words are ignored
 * @throws {UsageError} `usage/bad-option` if there is no caption or thing, lengths differ, or a name is not in the
 * vocabulary
 */
export function thingMetrics(
  captions: readonly string[],
  things: readonly (readonly string[])[],
  vocabulary: readonly Thing[],
): ThingMetrics {
  if (captions.length === 0) throw nothingIn("captions", "caption");
  if (vocabulary.length === 0) throw nothingIn("vocabulary", "thing");
  if (things.length !== captions.length)
    throw notOneFor("things", captions.length, "captions", things.length);
  const find = finder(vocabulary);
  const known = new Set(vocabulary.map(({ name }) => name));
  let [allRight, allNamed, allThere] = [0, 0, 0];
  const each = captions.map((caption, index) => {
    const there = new Set(things[index]);
    for (const name of there) if (!known.has(name)) throw unknownThing(`things[${index}]`, name);
    const named = find(caption);
    const right = named.filter((name) => there.has(name)).length;
    allRight += right;
    allNamed += named.length;
    allThere += there.size;
    return { named, ...scores(right, named.length, there.size) };
  });
  return { ...scores(allRight, allNamed, allThere), each };
}
