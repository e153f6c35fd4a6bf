// Which things a caption names, and how well they agree with the things that are there.
import { last } from "@blip-ts/base";
import plur from "plur";
import { ambiguousTerm, nothingIn, notOneFor, unknownThing } from "./errors.ts";

/** A thing of the vocabulary and what captions call it. */
export interface Thing {
  /** The thing's name, as captions may say it. */
  readonly name: string;
  /** Other words for it, in the singular. */
  readonly synonyms?: readonly string[];
  /** Plurals of name and synonyms. Default: English ones, irregular ones among them ("people", "sheep"). */
  readonly plurals?: readonly string[];
}

/** Precision, recall and F1 of named things. */
export interface ThingScores {
  /** Share of the named things that are there, 0 to 1. */
  readonly precision: number;
  /** Share of the things that are there which are named, 0 to 1. */
  readonly recall: number;
  /** 2 precision recall / (precision + recall), 0 to 1. */
  readonly f1: number;
}

/** A caption's own scores, with what it names. */
export interface CaptionThings extends ThingScores {
  /** Names of the things that the caption names, in its order, each once. */
  readonly named: readonly string[];
}

/** Scores of all captions together. */
export interface ThingMetrics extends ThingScores {
  /** The same of each caption. */
  readonly each: readonly CaptionThings[];
}

/** A term's words, in small letters: what is between them does not matter. */
const wordsOf = (term: string) =>
  term
    .normalize("NFC")
    .toLowerCase()
    .match(/[\p{L}\p{M}\p{N}]+/gu) ?? [];

const key = (words: readonly string[]) => words.join(" ");

function plural(words: readonly string[]): string[] {
  return [...words.slice(0, -1), plur(last(words))];
}

/** Each term of the vocabulary with its thing's name. What is written beats a plural that was made. */
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

/** Finds the things of a vocabulary. Of several terms at one place the longest is taken. */
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

/** Scores of counts: how many are right of those that were named and of those that are there. */
function scores(right: number, named: number, there: number): ThingScores {
  if (named + there === 0) return { precision: 1, recall: 1, f1: 1 };
  const ratio = (whole: number) => (whole === 0 ? 0 : right / whole);
  return { precision: ratio(named), recall: ratio(there), f1: (2 * right) / (named + there) };
}

/**
 * The names of the things that a caption names, in its order, each once. A term is found in small and capital letters,
 * between word boundaries ("cat" is not in "cattle"), in the singular and the plural. The longest term at a place is
 * taken: "hot dog" names no dog. A hyphen or an apostrophe is as good as a space within a term.
 * @throws {UsageError} `usage/bad-option` if the vocabulary is empty, or has a term without letters or for two things
 */
export function namedThings(caption: string, vocabulary: readonly Thing[]): string[] {
  if (vocabulary.length === 0) throw nothingIn("vocabulary", "thing");
  return finder(vocabulary)(caption);
}

/**
 * Precision = right / named, recall = right / there, F1 = 2 right / (named + there), with counts of distinct things added
 * up over all captions (micro averages), 0 to 1. 0 / 0 is 0, but a caption that names nothing where nothing is scores 1.
 * @param captions one caption for each image @param things for each image the names of the things that are there
 * @param vocabulary all things that count; other words of a caption do not
 * @throws {UsageError} `usage/bad-option` if there is no caption or thing, lengths differ, or a name is not in the vocabulary
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
