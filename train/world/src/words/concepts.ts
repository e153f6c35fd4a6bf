// The things that scenes show: data/concepts.tsv, a line each.
import { readFileSync } from "node:fs";
import { atLeast } from "@blip-ts/base";
import { unknownName } from "../errors.ts";

const homes = ["ground", "water", "air", "table", "sky"] as const;

/** Where a thing belongs. */
export type Home = (typeof homes)[number];

export interface Concept {
  /** What it is called in answers: "bus", "cherries", "cup of coffee". */
  readonly name: string;
  /** One of it, without its article: "bus", "pair of scissors". */
  readonly singular: string;
  readonly plural: string;
  /** "animal", "fruit", ...; undefined for what hangs in the sky. */
  readonly category: string | undefined;
  readonly home: Home;
  /** Whether its saturated parts may get another colour. */
  readonly recolour: boolean;
  /** CLDR's labels of the emoji that show it. */
  readonly labels: readonly string[];
  /** Other names that are used in captions. */
  readonly synonyms: readonly string[];
  /** Always several, so that they are neither counted nor sized: cherries, grapes. */
  readonly many: boolean;
  /** Never turned left to right, as it shows letters or a dial. */
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

/** @throws {RangeError} */
export function conceptNamed(name: string): Concept {
  const concept = byName.get(name);
  if (concept === undefined) throw unknownName("concept", name);
  return concept;
}

export const categories: readonly string[] = [
  ...new Set(concepts.flatMap(({ category }) => (category === undefined ? [] : [category]))),
];

/** A plural of a category's word. */
export const pluralOfCategory = (category: string): string =>
  category === "toy"
    ? "toys"
    : category === "clothing"
      ? "clothes"
      : category === "food"
        ? "foods"
        : `${category}s`;

/**
 * Words of which one says too much or too little of the other: a taxi is a car, an owl is a bird. None of them is ever
 * asked for, or put into a false sentence, beside another.
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

/** Whether one may be taken for the other by its name, or is it. */
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

/** The twenty-four of the small world. */
export const smallThings: ReadonlySet<string> = new Set(
  `dog|cat|horse|cow|pig|sheep|rabbit|elephant|fish|bee|apple|banana|strawberry|pizza|car|bus|bicycle|airplane|sailboat|house
|umbrella|balloon|frog|sunflower`
    .replaceAll("\n", "")
    .split("|"),
);

/** Things as the metrics of captions find them. */
export const vocabularyOf = (list: readonly Concept[]) =>
  list.map(({ name, singular, plural, synonyms }) => ({
    name,
    synonyms: [...new Set([...synonyms, ...(singular === name ? [] : [singular])])],
    plurals: [plural],
  }));
