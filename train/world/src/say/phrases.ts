// Words for things, numbers, relations and places in sentences.
import { must } from "@blip-ts/base";
import type { Relation } from "../scene/graph.ts";
import type { ColourName } from "../words/colours.ts";
import { conceptNamed, pluralOfCategory, type Concept } from "../words/concepts.ts";
import type { Place } from "../words/places.ts";

export const numberWords = [
  "zero",
  "one",
  "two",
  "three",
  "four",
  "five",
  "six",
  "seven",
  "eight",
  "nine",
  "ten",
] as const;

export const article = (words: string): string => `${/^[aeiou]/.test(words) ? "an" : "a"} ${words}`;

const plurals: Readonly<Record<string, string>> = {
  bunny: "bunnies",
  "lady beetle": "lady beetles",
  cab: "cabs",
  lorry: "lorries",
};

/** The way to name one or several things. */
export interface Naming {
  readonly concept: string;
  readonly count: number;
  readonly colour?: ColourName | undefined;
  readonly size?: string | undefined;
  /** The index in the concept's synonyms; undefined for its own name. */
  readonly synonym?: number | undefined;
  /** Uses the word of its category: "an animal". */
  readonly byCategory?: boolean | undefined;
  readonly digits?: boolean | undefined;
  /** Omits "a" and "an". */
  readonly bare?: boolean | undefined;
}

function nounOf({ concept: name, count, synonym, byCategory }: Naming): { noun: string; many: boolean } {
  const concept = conceptNamed(name);
  const { category } = concept;
  if (byCategory === true && category !== undefined)
    return { noun: count === 1 ? category : pluralOfCategory(category), many: false };
  if (synonym !== undefined) {
    const other = must(concept.synonyms, synonym, "synonym");
    return { noun: count === 1 ? other : (plurals[other] ?? `${other}s`), many: false };
  }
  return { noun: count === 1 ? concept.singular : concept.plural, many: concept.many };
}

/** "a small red car", "three penguins", "cherries" */
export function phraseOf(naming: Naming): string {
  const { count, colour, size, digits, bare } = naming;
  const { noun, many } = nounOf(naming);
  const words = [size, colour, noun].filter((word) => word !== undefined).join(" ");
  if (count > 1)
    return `${digits === true ? String(count) : must(numberWords, count, "number word")} ${words}`;
  return many || bare === true ? words : article(words);
}

/** A thing's name in questions, after "the": "red car", "pair of scissors". */
export const theOf = ({ name, singular, many }: Concept, colour?: ColourName): string =>
  [colour, many ? name : singular].filter((word) => word !== undefined).join(" ");

/** The words of each relation, the most common first. */
export const relationWords: Readonly<Record<Relation, readonly string[]>> = {
  left: ["to the left of", "left of", "on the left of"],
  right: ["to the right of", "right of", "on the right of"],
  above: ["above", "over"],
  below: ["below", "under", "beneath"],
};

export const besideWords = ["next to", "beside", "near"] as const;

/** Phrases for a scene's place. */
export const placePhrases = (place: Place): readonly string[] =>
  place.kind === "plain"
    ? [
        `on ${article(place.name)}`,
        `on ${article(place.name)}`,
        `in front of ${article(place.name)}`,
        `on ${place.colour}`,
      ]
    : place.phrases;

/** Possible beginnings of captions. */
export const openings = ["a picture of", "an image of", "a photo of", "a drawing of"] as const;
