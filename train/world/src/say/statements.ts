// Statements about two scenes. A false example keeps the words and changes one thing in one scene, so words alone
// reveal nothing. Every truth value is checked on the graphs of both scenes.
import { must } from "@blip-ts/base";
import type { Style } from "../art/packages.ts";
import { noScene } from "../errors.ts";
import { Random } from "../random.ts";
import { compose } from "../scene/compose.ts";
import { countOf, relationOf, type GroupSpec, type Relation, type Scene } from "../scene/graph.ts";
import { heldOut, partOfText } from "../scene/holdout.ts";
import type { SceneSource } from "../scene/sample.ts";
import { signature } from "../scene/graph.ts";
import { colourNames, type ColourName } from "../words/colours.ts";
import { akin, type Concept } from "../words/concepts.ts";
import { placesAlike, type Place, type RealPlace } from "../words/places.ts";
import { numberWords, phraseOf, relationWords, theOf } from "./phrases.ts";

/** The specification of one of the two scenes. */
interface Side {
  readonly place: Place;
  readonly groups: readonly GroupSpec[];
  readonly ordered?: "row" | "column" | undefined;
}

type Pair = readonly [left: Side, right: Side];

/**
 * A statement with a pair of scenes that makes it true, the same pair with one change that makes it false, and a check.
 */
interface Draft {
  readonly kind: string;
  readonly sentence: string;
  readonly true: Pair;
  readonly false: Pair;
  readonly holds: (left: Scene, right: Scene) => boolean;
}

export interface Statement {
  readonly kind: string;
  readonly sentence: string;
  readonly label: boolean;
  readonly scenes: readonly [left: Scene, right: Scene];
}

/** Random things and places for drafts. */
class Materials {
  readonly random: Random;
  readonly #concepts: readonly Concept[];
  readonly #places: SceneSource["world"]["places"];
  readonly #shares: SceneSource["world"]["placeShares"];

  constructor(random: Random, { world }: SceneSource) {
    this.random = random;
    this.#concepts = world.concepts;
    this.#places = world.places;
    this.#shares = world.placeShares;
  }

  /** Different things, none of which can be confused with another. */
  things(count: number, wanted: (concept: Concept) => boolean = () => true): readonly Concept[] {
    const chosen: Concept[] = [];
    for (const concept of this.random.shuffled(this.#concepts)) {
      if (chosen.length === count) break;
      if (wanted(concept) && !concept.many && !chosen.some(({ name }) => akin(name, concept.name)))
        chosen.push(concept);
    }
    return chosen;
  }

  /** A replacement for a thing, often of the same category. */
  instead(concept: Concept, not: readonly Concept[]): Concept {
    const others = this.#concepts.filter(
      ({ name, many }) => !many && ![concept, ...not].some((one) => akin(one.name, name)),
    );
    const same = others.filter(({ category }) => category === concept.category);
    return this.random.pick(same.length > 0 && this.random.chance(0.6) ? same : others);
  }

  place(): Place {
    return this.random.pick<Place>(this.#places[this.random.weighted(this.#shares)]);
  }

  /** A painted or photographed place. */
  real(): RealPlace {
    return this.random.pick([...this.#places.painted, ...this.#places.photo]);
  }

  /** A scene with the given groups, sometimes with one more thing. */
  side(groups: readonly GroupSpec[], not: readonly Concept[] = []): Side {
    const others = this.random.chance(0.4)
      ? [
          {
            concept: this.instead(must(groups, 0).concept, [...groups.map(({ concept }) => concept), ...not]),
            count: 1,
          },
        ]
      : [];
    return { place: this.place(), groups: [...groups, ...others] };
  }
}

const one = (concept: Concept, count = 1): GroupSpec => ({ concept, count });

const shows = (scene: Scene, { name }: Concept): boolean => countOf(scene, name) > 0;

/** A side with a change to its first group. */
const changed = ({ groups, ...side }: Side, change: Partial<GroupSpec>): Side => ({
  ...side,
  groups: groups.map((group, at) => (at === 0 ? { ...group, ...change } : group)),
});

/** Applies a change to the left or the right scene with equal probability. */
function falsified(random: Random, [left, right]: Pair, change: (side: Side) => Side): Pair {
  return random.chance(0.5) ? [change(left), right] : [left, change(right)];
}

type Drafter = (materials: Materials) => Draft | undefined;

const both: Drafter = (m) => {
  const [thing] = m.things(1);
  if (!thing) return undefined;
  const pair: Pair = [m.side([one(thing)]), m.side([one(thing)])];
  return {
    kind: "both",
    sentence: m.random.pick([
      `both images show ${phraseOf({ concept: thing.name, count: 1 })}`,
      `there is ${phraseOf({ concept: thing.name, count: 1 })} in both images`,
    ]),
    true: pair,
    false: falsified(m.random, pair, (side) =>
      changed(side, {
        concept: m.instead(
          thing,
          side.groups.map(({ concept }) => concept),
        ),
      }),
    ),
    holds: (left, right) => shows(left, thing) && shows(right, thing),
  };
};

const only: Drafter = (m) => {
  const [thing, other] = m.things(2);
  if (!thing || !other) return undefined;
  const has = m.side([one(thing)], [other]);
  const lacks = m.side([one(other)], [thing]);
  const isLeft = m.random.chance(0.5);
  const ordered = (first: Side, second: Side): Pair => (isLeft ? [first, second] : [second, first]);
  const wrong = m.random.chance(0.5)
    ? ordered(
        changed(has, { concept: m.instead(thing, [other, ...has.groups.map(({ concept }) => concept)]) }),
        lacks,
      )
    : ordered(has, changed(lacks, { concept: thing }));
  const sides = isLeft ? (["left", "right"] as const) : (["right", "left"] as const);
  return {
    kind: "only",
    sentence: `only the ${sides[0]} image has ${phraseOf({ concept: thing.name, count: 1 })}`,
    true: ordered(has, lacks),
    false: wrong,
    holds: (left, right) =>
      isLeft ? shows(left, thing) && !shows(right, thing) : shows(right, thing) && !shows(left, thing),
  };
};

const total: Drafter = (m) => {
  const [thing] = m.things(1);
  if (!thing) return undefined;
  const [a, b] = [1 + m.random.below(3), 1 + m.random.below(3)];
  const pair: Pair = [m.side([one(thing, a)]), m.side([one(thing, b)])];
  return {
    kind: "total",
    sentence: `there are ${must(numberWords, a + b)} ${thing.plural} in total`,
    true: pair,
    false: falsified(m.random, pair, (side) => {
      const { count } = must(side.groups, 0);
      return changed(side, { count: count === 1 || m.random.chance(0.5) ? count + 1 : count - 1 });
    }),
    holds: (left, right) => countOf(left, thing.name) + countOf(right, thing.name) === a + b,
  };
};

const places: Drafter = (m) => {
  const told = m.real();
  const away = () => {
    for (;;) {
      const other = m.real();
      if (!placesAlike(other.name, told.name)) return other;
    }
  };
  const things = m.things(2);
  const [first, second] = things.map((thing) => m.side([one(thing)]));
  if (!first || !second) return undefined;
  const words = m.random.pick(told.phrases);
  const same = m.random.chance(0.5);
  const isAt = (scene: Scene) => scene.place.name === told.name;
  const pair: Pair = [
    { ...first, place: told },
    { ...second, place: same ? told : away() },
  ];
  return same
    ? {
        kind: "place",
        sentence: `both images are ${words}`,
        true: pair,
        false: falsified(m.random, pair, (side) => ({ ...side, place: away() })),
        holds: (left, right) => isAt(left) && isAt(right),
      }
    : {
        kind: "place",
        sentence: `the left image is ${words} and the right one is not`,
        true: pair,
        false: m.random.chance(0.5)
          ? [pair[0], { ...pair[1], place: told }]
          : [{ ...pair[0], place: away() }, pair[1]],
        holds: (left, right) => isAt(left) && !isAt(right),
      };
};

const more: Drafter = (m) => {
  const [thing] = m.things(1);
  if (!thing) return undefined;
  const few = 1 + m.random.below(3);
  const many = few + 1 + m.random.below(2);
  const isLeft = m.random.chance(0.5);
  const [a, b] = isLeft ? [many, few] : [few, many];
  const pair: Pair = [m.side([one(thing, a)]), m.side([one(thing, b)])];
  const named = m.random.chance(0.6);
  const sides = isLeft ? "the left image shows more" : "the right image shows more";
  // The counts become equal, or the order is reversed.
  const wrong: Pair = isLeft
    ? m.random.chance(0.5)
      ? [changed(pair[0], { count: few }), pair[1]]
      : [pair[0], changed(pair[1], { count: many })]
    : m.random.chance(0.5)
      ? [pair[0], changed(pair[1], { count: few })]
      : [changed(pair[0], { count: many }), pair[1]];
  return {
    kind: "more",
    sentence: named
      ? `${sides} ${thing.plural} than the other`
      : `one image shows more ${thing.plural} than the other`,
    true: pair,
    false: wrong,
    holds: (left, right) => {
      const difference = countOf(left, thing.name) - countOf(right, thing.name);
      return named ? (isLeft ? difference > 0 : difference < 0) : difference !== 0;
    },
  };
};

const coloursDiffer: Drafter = (m) => {
  const [thing] = m.things(1, ({ recolour }) => recolour);
  if (!thing) return undefined;
  const [first, second, third] = m.random.sample<ColourName>(colourNames, 3);
  if (!first || !second || !third) return undefined;
  const pair: Pair = [
    m.side([{ ...one(thing), colour: first }]),
    m.side([{ ...one(thing), colour: second }]),
  ];
  const seen = (scene: Scene) =>
    scene.groups.flatMap(({ concept, colour }) => (concept === thing ? [colour] : []));
  return {
    kind: "colours",
    sentence: `the ${theOf(thing)} is ${first} in one image and ${second} in the other`,
    true: m.random.chance(0.5) ? pair : [pair[1], pair[0]],
    false: falsified(m.random, pair, (side) => changed(side, { colour: third })),
    holds: (left, right) =>
      (seen(left).includes(first) && seen(right).includes(second)) ||
      (seen(left).includes(second) && seen(right).includes(first)),
  };
};

const exactly: Drafter = (m) => {
  const [thing] = m.things(1);
  if (!thing) return undefined;
  const count = 1 + m.random.below(4);
  const pair: Pair = [m.side([one(thing, count)]), m.side([one(thing, count)])];
  return {
    kind: "exactly",
    sentence: `each image shows exactly ${phraseOf({ concept: thing.name, count }).replace(/^an? /, "one ")}`,
    true: pair,
    false: falsified(m.random, pair, (side) =>
      changed(side, { count: count === 1 || m.random.chance(0.5) ? count + 1 : count - 1 }),
    ),
    holds: (left, right) => countOf(left, thing.name) === count && countOf(right, thing.name) === count,
  };
};

const sameRelation: Drafter = (m) => {
  const [first, second] = m.things(2);
  if (!first || !second) return undefined;
  const kind = m.random.pick<Relation>(["left", "right", "above", "below"]);
  const ordered = kind === "left" || kind === "right" ? "row" : "column";
  const swapped = kind === "right" || kind === "below";
  const side = (turned: boolean): Side => ({
    place: m.place(),
    groups: turned ? [one(second), one(first)] : [one(first), one(second)],
    ordered,
  });
  const pair: Pair = [side(swapped), side(swapped)];
  const reversed = ({ groups, ...rest }: Side): Side => ({ ...rest, groups: [...groups].reverse() });
  const holdsIn = ({ groups }: Scene) => {
    const [a, b] = [first, second].map((concept) => groups.find((group) => group.concept === concept));
    return a !== undefined && b !== undefined && relationOf(a, b) === kind;
  };
  return {
    kind: "relation",
    sentence: `the ${theOf(first)} is ${must(relationWords[kind], 0)} the ${theOf(second)} in both images`,
    true: pair,
    false: falsified(m.random, pair, reversed),
    holds: (left, right) => holdsIn(left) && holdsIn(right),
  };
};

const drafters: readonly Drafter[] = [both, only, total, places, more, coloursDiffer, exactly, sameRelation];

/** Whether a photograph may contain more of the statement's things. */
const isDoubtful = ({ place, groups }: Side, draft: Draft): boolean =>
  place.kind === "photo" &&
  [...draft.true, ...draft.false].some((side) =>
    [...side.groups, ...groups].some(({ concept }) =>
      place.doubtful.some((name) => akin(name, concept.name)),
    ),
  );

function built(
  key: string,
  pair: Pair,
  source: SceneSource,
  random: Random,
): Statement["scenes"] | undefined {
  const scenes = pair.map(({ place, groups, ordered }, at) => {
    const style = random.pick<Style>(source.styles);
    return compose(
      new Random(`${key}/${at}`),
      { key: `${key}/${at}`, kind: "pair", style, place, groups, ordered },
      source,
    );
  });
  const [left, right] = scenes;
  return left && right ? [left, right] : undefined;
}

/** Whether the split may show the pair. The two scenes form one example with one signature. */
function allowed(pair: Pair, { split }: SceneSource): boolean {
  const held = pair.some(({ place, groups }) => heldOut(place, groups).length > 0);
  const name = pair.map(signature).join(" || ");
  return split.combinations === "always" ? held : !held && partOfText(name) === split.part;
}

/**
 * The statement with a number. Even numbers give true statements.
 * @throws {RangeError} if no layout is found
 */
export function statementOf(source: SceneSource, number: number): Statement {
  const key = `${source.world.name}/${source.split.name}/${source.seed}/statement/${number}`;
  const drafter = must(drafters, Math.floor(number / 2) % drafters.length);
  const label = number % 2 === 0;
  for (let turn = 0; turn < 4000; turn++) {
    const random = new Random(`${key}/${turn}`);
    const draft = drafter(new Materials(random, source));
    const pair = draft && (label ? draft.true : draft.false);
    if (!draft || !pair || !allowed(pair, source) || pair.some((side) => isDoubtful(side, draft))) continue;
    const scenes = built(`${key}/${turn}`, pair, source, random);
    if (scenes && draft.holds(...scenes) === label)
      return { kind: draft.kind, sentence: draft.sentence, label, scenes };
  }
  throw noScene(key);
}
