// False captions: the plan of a true caption with one change that makes it false for the scene.
import { must } from "@blip-ts/base";
import type { Random } from "../random.ts";
import { conceptsIn, countOf, opposite, type Scene } from "../scene/graph.ts";
import { colourNames } from "../words/colours.ts";
import { akin, conceptNamed, type Concept } from "../words/concepts.ts";
import { placesAlike, type Place } from "../words/places.ts";
import { phraseOf, placePhrases, relationWords } from "./phrases.ts";
import { wordsOf, type Mention, type Plan } from "./plan.ts";

export const editKinds = ["concept", "colour", "number", "relation", "size", "place"] as const;

export type EditKind = (typeof editKinds)[number];

/** The concepts and places that false captions may use. */
export interface Pool {
  readonly concepts: readonly Concept[];
  readonly places: readonly Place[];
}

/** The things that are certainly not in the scene. */
export function absent(scene: Scene, pool: readonly Concept[]): readonly Concept[] {
  const shown = conceptsIn(scene);
  const doubtful = scene.place.kind === "plain" ? [] : scene.place.doubtful;
  return pool.filter(({ name }) => ![...doubtful, ...shown].some((one) => akin(one, name)));
}

function withMention(plan: Plan, at: number, change: Partial<Mention>): Plan {
  return {
    ...plan,
    mentions: plan.mentions.map((one, index) => (index === at ? { ...one, ...change } : one)),
  };
}

type Editor = (random: Random, plan: Plan, scene: Scene, pool: Pool) => Plan | undefined;

/** The index of a random mention with a property; undefined if none has it. */
function drawn(random: Random, plan: Plan, holds: (mention: Mention) => boolean): number | undefined {
  const places = plan.mentions.flatMap((mention, at) => (holds(mention) ? [at] : []));
  return places.length === 0 ? undefined : random.pick(places);
}

const editors: Readonly<Record<EditKind, Editor>> = {
  concept(random, plan, scene, pool) {
    const at = random.below(plan.mentions.length);
    const mention = must(plan.mentions, at);
    const { category } = conceptNamed(mention.concept);
    const others = absent(scene, pool.concepts).filter(({ many }) => !many || mention.count === 1);
    if (mention.byCategory === true) {
      const shown = new Set(scene.groups.map(({ concept }) => concept.category));
      const other = others.filter(
        (concept) => concept.category !== undefined && !shown.has(concept.category),
      );
      return other.length === 0 ? undefined : withMention(plan, at, { concept: random.pick(other).name });
    }
    const same = others.filter((concept) => concept.category === category);
    const from = same.length > 0 && random.chance(0.7) ? same : others;
    return from.length === 0
      ? undefined
      : withMention(plan, at, { concept: random.pick(from).name, synonym: undefined });
  },
  colour(random, plan, scene) {
    const at = drawn(random, plan, ({ colour }) => colour !== undefined);
    if (at === undefined) return undefined;
    const name = must(plan.mentions, at).concept;
    const true_ = scene.groups.flatMap(({ concept, colour }) => (concept.name === name ? [colour] : []));
    return withMention(plan, at, {
      colour: random.pick(colourNames.filter((colour) => !true_.includes(colour))),
    });
  },
  number(random, plan, scene) {
    // A single thing seldom becomes several; otherwise a number would reveal false captions.
    const at = drawn(
      random,
      plan,
      ({ concept, count, byCategory }) =>
        byCategory !== true && (count > 1 || (random.chance(0.12) && !conceptNamed(concept).many)),
    );
    if (at === undefined) return undefined;
    const { concept, count } = must(plan.mentions, at);
    const all = countOf(scene, concept);
    const others = [2, 3, 4, 5].filter((number) => number !== count && number !== all);
    return withMention(plan, at, { count: random.pick(others) });
  },
  relation(random, plan) {
    const { relation } = plan;
    if (relation === undefined || relation.kind === "beside") return undefined;
    if (random.chance(0.5)) return { ...plan, mentions: [...plan.mentions].reverse() };
    const kind = opposite[relation.kind];
    const words = relationWords[kind];
    // The words with the same index in the opposite list: "under" for "over". That list may be shorter.
    const said = Math.min(relationWords[relation.kind].indexOf(relation.words), words.length - 1);
    return { ...plan, relation: { ...relation, kind, words: must(words, said) } };
  },
  size(random, plan, scene) {
    const at = drawn(random, plan, ({ size }) => size !== undefined);
    if (at === undefined) return undefined;
    const { size, concept } = must(plan.mentions, at);
    // With a small and a large dog, both "a small dog" and "a large dog" are true.
    if (scene.groups.filter((group) => group.concept.name === concept).length > 1) return undefined;
    return withMention(plan, at, { size: size === "small" ? "large" : "small" });
  },
  place: (random, plan, _, pool) => {
    if (plan.place === undefined) return undefined;
    const { place } = plan.place;
    const others = pool.places.filter(({ name }) => !placesAlike(name, place.name));
    // A background's colour usually changes to another colour, seldom to a place.
    const alike = others.filter(({ kind }) => (kind === "plain") === (place.kind === "plain"));
    const other = random.pick(alike.length > 0 && random.chance(0.85) ? alike : others);
    return { ...plan, place: { place: other, words: random.pick(placePhrases(other)) } };
  },
};

/** Whether an edit can make the plan false. Reversing two mentions with equal words ("an animal") would not. */
function makesSense(kind: EditKind, plan: Plan): boolean {
  return kind !== "relation" || new Set(plan.mentions.map(phraseOf)).size === plan.mentions.length;
}

/** Edits that many captions do not allow. They are usually tried first, so that every kind occurs. */
const seldomPossible: readonly EditKind[] = ["colour", "number", "relation", "size"];

export interface FalseCaption {
  readonly words: string;
  readonly plan: Plan;
  readonly kind: EditKind;
}

/** The plan's caption with an edit of this kind; undefined if the plan does not allow the kind. */
function ofKind(
  random: Random,
  kind: EditKind,
  plan: Plan,
  scene: Scene,
  pool: Pool,
): FalseCaption | undefined {
  if (!makesSense(kind, plan)) return undefined;
  const edited = editors[kind](random, plan, scene, pool);
  if (edited === undefined) return undefined;
  const words = wordsOf(edited);
  return words === wordsOf(plan) ? undefined : { words, plan: edited, kind };
}

/** A caption that is false by one edit; undefined if the plan allows no edit. */
export function falseCaption(random: Random, plan: Plan, scene: Scene, pool: Pool): FalseCaption | undefined {
  const [seldom, always] = [random.shuffled(seldomPossible), random.shuffled<EditKind>(["concept", "place"])];
  for (const kind of random.chance(0.6) ? [...seldom, ...always] : [...always, ...seldom]) {
    const edited = ofKind(random, kind, plan, scene, pool);
    if (edited !== undefined) return edited;
  }
  return undefined;
}

/**
 * Up to `count` different false captions of a scene. The kinds of edit take turns, so each kind that the scene allows is
 * equally frequent: if chance chose them, only one in twenty would change a relation.
 * @param planned draws the plan of a true caption; not every plan of a scene allows every kind
 */
export function severalFalse(
  random: Random,
  planned: () => Plan,
  scene: Scene,
  pool: Pool,
  count: number,
): readonly FalseCaption[] {
  const kinds = random.shuffled(editKinds);
  const captions: FalseCaption[] = [];
  for (let turn = 0; turn < 20 * count && captions.length < count; turn++) {
    for (let attempt = 0; attempt < 6; attempt++) {
      const made = ofKind(random, must(kinds, turn % kinds.length), planned(), scene, pool);
      if (made === undefined || captions.some(({ words }) => words === made.words)) continue;
      captions.push(made);
      break;
    }
  }
  return captions;
}
