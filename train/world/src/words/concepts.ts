// The things in scenes: data/concepts.tsv, one per line.
import { readFileSync } from "node:fs";
import { atLeast } from "@blip-ts/base";
import { unknownName } from "../errors.ts";

const homes = ["ground", "water", "air", "table", "sky"] as const;

/** The usual surroundings of a thing. */
export type Home = (typeof homes)[number];

export interface Concept {
  /** The name in answers: "bus", "cherries", "cup of coffee". */
  readonly name: string;
  /** The singular without its article: "bus", "pair of scissors". */
  readonly singular: string;
  readonly plural: string;
  /** The category: "animal", "fruit", ...; undefined for things in the sky. */
  readonly category: string | undefined;
  readonly home: Home;
  /** Whether its saturated parts may be recoloured. */
  readonly recolour: boolean;
  /** CLDR's labels of the emoji that show it. */
  readonly labels: readonly string[];
  /** Other names for captions. */
  readonly synonyms: readonly string[];
  /** Whether it is always several, so that it is neither counted nor sized: cherries, grapes. */
  readonly many: boolean;
  /** Whether it is never mirrored, because it shows letters or a dial. */
  readonly still: boolean;
}

const listed = (text: string): readonly string[] => (text === "" ? [] : text.split("|"));

function homeOf(text: string): Home {
  const name = text.replace("*", "");
  const home = homes.find((one) => one === name);
  if (home === undefined) throw unknownName("home of a concept", text);
  return home;
}

function conceptOf(line: string): Concept {
  const [name, plural, category, home, labels, synonyms, notes] = atLeast(line.split("\t"), 7, "column");
  const said = listed(notes);
  return {
    name,
    singular: said.find((note) => note.startsWith("one="))?.slice(4) ?? name,
    plural,
    category: category === "-" ? undefined : category,
    home: homeOf(home),
    recolour: home.endsWith("*"),
    labels: listed(labels),
    synonyms: listed(synonyms),
    many: said.includes("many"),
    still: said.includes("still"),
  };
}

/** All things, in the order of the file. */
export const concepts: readonly Concept[] = readFileSync(
  new URL("../../data/concepts.tsv", import.meta.url),
  "utf8",
)
  .trimEnd()
  .split("\n")
  .slice(1)
  .map(conceptOf);

const byName = new Map(concepts.map((concept) => [concept.name, concept]));

/** @throws {RangeError} if the name is unknown */
export function conceptNamed(name: string): Concept {
  const concept = byName.get(name);
  if (concept === undefined) throw unknownName("concept", name);
  return concept;
}

export const categories: readonly string[] = [
  ...new Set(concepts.flatMap(({ category }) => (category === undefined ? [] : [category]))),
];

/** The plural of a category's word. */
export const pluralOfCategory = (category: string): string =>
  category === "toy"
    ? "toys"
    : category === "clothing"
      ? "clothes"
      : category === "food"
        ? "foods"
        : `${category}s`;

/**
 * Groups of words that are not clearly distinct: a taxi is a car, an owl is a bird. Questions and false sentences never
 * use one word of a group when another one applies.
 */
const kin: readonly (readonly string[])[] = [
  ["car", "taxi", "police car"],
  ["truck", "fire truck"],
  ["bird", "chicken", "rooster", "duck", "owl", "penguin", "parrot"],
  ["ship", "sailboat"],
  ["dog", "wolf", "fox"],
  ["evergreen tree", "palm tree"],
  ["cherries", "grapes"],
  ["soccer ball", "basketball"],
  ["orange", "lemon"],
];

/** Whether two names are equal or in the same group of words. */
export const akin = (first: string, second: string): boolean =>
  first === second || kin.some((words) => words.includes(first) && words.includes(second));

/** The things of the embedded model of 79. */
export const firstThings: ReadonlySet<string> = new Set(
  `airplane|apple|backpack|banana|basketball|bee|bicycle|bird|birthday cake|bread|bus|butterfly|cactus|camera|candle|carrot
|cat|cherries|chicken|cookie|cow|crab|crown|dog|dolphin|doughnut|drum|duck|elephant|evergreen tree|fire|fish|grapes|guitar
|hamburger|hammer|helicopter|horse|hot dog|ice cream|lemon|light bulb|monkey|motorcycle|mushroom|octopus|owl|palm tree|pear
|penguin|pig|pineapple|pizza|rabbit|rocket|rose|sailboat|sheep|snail|snake|soccer ball|spider|strawberry|sun|sunflower|taco
|taxi|television|tiger|tomato|top hat|tractor|trumpet|tulip|turtle|umbrella|violin|watermelon|whale`
    .replaceAll("\n", "")
    .split("|"),
);

/** The twenty-four things of the small world. */
export const smallThings: ReadonlySet<string> = new Set(
  `dog|cat|horse|cow|pig|sheep|rabbit|elephant|fish|bee|apple|banana|strawberry|pizza|car|bus|bicycle|airplane|sailboat|house
|umbrella|balloon|frog|sunflower`
    .replaceAll("\n", "")
    .split("|"),
);

/** The vocabulary for the caption metrics. */
export const vocabularyOf = (list: readonly Concept[]) =>
  list.map(({ name, singular, plural, synonyms }) => ({
    name,
    synonyms: [...new Set([...synonyms, ...(singular === name ? [] : [singular])])],
    plurals: [plural],
  }));
