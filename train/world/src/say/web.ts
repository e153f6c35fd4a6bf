// Texts like those beside images on the web: some correct, some from another image, some with one wrong word, some that
// are not captions, some in another language. The kind of each text is known.
import { must } from "@blip-ts/base";
import type { Random } from "../random.ts";
import { conceptsIn, type Scene } from "../scene/graph.ts";
import type { Catalogue } from "../art/catalogue.ts";
import { colourNames } from "../words/colours.ts";
import { falseCaption, type Pool } from "./edit.ts";
import { planOf, wordsOf } from "./plan.ts";
import { theOf } from "./phrases.ts";

export const webShares = { right: 45, other: 25, word: 10, spam: 10, language: 10 } as const;

/** `other`: another image's caption. `word`: one word is wrong. `spam`: a file name or an advertisement. */
export type WebKind = keyof typeof webShares;

export interface WebText {
  readonly text: string;
  readonly kind: WebKind;
}

const digits = (random: Random, count: number): string =>
  Array.from({ length: count }, () => String(random.below(10))).join("");

type Spam = (random: Random, name: string) => string;

const spam: readonly Spam[] = [
  (random) => `IMG_${digits(random, 4)}.jpg`,
  (random) => `DSC${digits(random, 5)}.JPG`,
  (random) =>
    `screenshot ${2010 + random.below(15)}-0${1 + random.below(9)}-${10 + random.below(19)} at ${random.below(24)}.${digits(random, 2)}`,
  (_, name) => `buy cheap ${name} stickers free shipping`,
  (random, name) => `${name} clip art vector ${digits(random, 6)} download free`,
  (_, name) => `best ${name} deals online - shop now`,
  (random, name) => `${name.replaceAll(" ", "-")}-${digits(random, 3)}x${digits(random, 3)}.png`,
  (random) => `image ${1 + random.below(40)} of ${40 + random.below(60)}`,
  () => "click here to enlarge",
  (random) => `stock photo ${digits(random, 8)}`,
  (random) => `posted by admin on monday, ${1 + random.below(28)} comments`,
  (_, name) => `how to draw a ${name} step by step tutorial`,
  (random) => `untitled-${1 + random.below(20)}`,
  () => "follow us for more",
];

/** "und", "y", ... */
const ands: Readonly<Record<string, string>> = { de: "und", es: "y", fr: "et", it: "e", nl: "en", pl: "i" };

function foreign(random: Random, scene: Scene, { foreign: labels }: Catalogue): string {
  const language = random.pick(Object.keys(labels).filter((one) => Object.hasOwn(ands, one)));
  const names = scene.groups.map(({ concept, count }) => {
    const label = labels[language]?.[concept.name] ?? concept.name;
    return count > 1 ? `${count} ${label}` : label;
  });
  return names.join(` ${ands[language] ?? "-"} `);
}

/** A caption of another scene that shares no thing with this one. */
function others(random: Random, scene: Scene, other: (accept: (scene: Scene) => boolean) => Scene): string {
  const shown = conceptsIn(scene);
  const strange = other((one) => one.groups.every(({ concept }) => !shown.includes(concept.name)));
  return wordsOf(planOf(random, strange));
}

/**
 * One web text for a scene.
 * @param other returns another scene that `accept` accepts
 */
export function webText(
  random: Random,
  scene: Scene,
  pool: Pool,
  catalogue: Catalogue,
  other: (accept: (scene: Scene) => boolean) => Scene,
): WebText {
  const kind = random.weighted(webShares);
  const name = theOf(random.pick(scene.groups).concept);
  switch (kind) {
    case "right":
      return { kind, text: wordsOf(planOf(random, scene)) };
    case "other":
      return { kind, text: others(random, scene, other) };
    case "spam":
      return {
        kind,
        text: must(spam, random.below(spam.length))(
          random,
          random.chance(0.5) ? name : `${random.pick(colourNames)} ${name}`,
        ),
      };
    case "language":
      return { kind, text: foreign(random, scene, catalogue) };
    case "word":
      return { kind, text: wrong(random, scene, pool) };
  }
}

/** A caption with one wrong word. Every scene has one, because a thing can always be changed. */
function wrong(random: Random, scene: Scene, pool: Pool): string {
  for (;;) {
    const edited = falseCaption(random, planOf(random, scene), scene, pool);
    if (edited !== undefined) return edited.words;
  }
}

/** All words of `spam`, for the vocabulary. */
export const spamWords =
  "buy cheap stickers free shipping clip art vector download best deals online shop now image of click here to enlarge stock photo posted by admin on monday comments how to draw step by step tutorial untitled follow us for more screenshot at";
