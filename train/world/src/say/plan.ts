// Captions: a plan of the caption's content, and its words. A false caption is a plan with one change.
import { must } from "@blip-ts/base";
import type { Random } from "../random.ts";
import { extentOf, relationOf, repeats, type Group, type Relation, type Scene } from "../scene/graph.ts";
import type { Place } from "../words/places.ts";
import { besideWords, openings, phraseOf, placePhrases, relationWords, type Naming } from "./phrases.ts";

export interface Mention extends Naming {
  /** The index of the scene's group. */
  readonly group: number;
}

export interface SaidRelation {
  readonly kind: Relation | "beside";
  readonly words: string;
  /** "is" or "are" between the first thing and the relation; undefined for none. */
  readonly verb: string | undefined;
}

export const forms = ["list", "there", "place-first", "opening"] as const;

export interface Plan {
  readonly form: (typeof forms)[number];
  readonly mentions: readonly Mention[];
  /** The relation between two mentions. */
  readonly relation: SaidRelation | undefined;
  readonly place: { readonly place: Place; readonly words: string } | undefined;
  readonly opening: string;
}

/** "a", "a and b", "a, b and c" */
export function listed(parts: readonly string[]): string {
  const rest = parts.slice(0, -1);
  const end = must(parts, parts.length - 1, "part of a list");
  return rest.length === 0 ? end : `${rest.join(", ")} and ${end}`;
}

function thingsOf({ mentions, relation }: Plan): string {
  const parts = mentions.map(phraseOf);
  if (relation === undefined) return listed(parts);
  const [first, second] = [must(parts, 0), must(parts, 1)];
  return [first, relation.verb, relation.words, second].filter((word) => word !== undefined).join(" ");
}

/** The words of a plan. */
export function wordsOf(plan: Plan): string {
  const { form, mentions, place, opening } = plan;
  const things = thingsOf(plan);
  const where = place === undefined ? [] : [place.words];
  switch (form) {
    case "there": {
      const first = must(mentions, 0);
      const verb = first.count > 1 || phraseOf(first) === first.concept ? "are" : "is";
      return ["there", verb, things, ...where].join(" ");
    }
    case "place-first":
      return place === undefined ? things : `${place.words}, ${things}`;
    case "opening":
      return [opening, things, ...where].join(" ");
    case "list":
      return [things, ...where].join(" ");
  }
}

export interface CaptionOptions {
  /** Whether a caption may omit parts of the scene or name things by their category. Default: true. */
  readonly partial?: boolean;
  /**
   * Whether four captions in five mention the groups from left to right, or from top to bottom if they are rather one
   * above the other. A model must then see where things are to foresee the next word. Default: false.
   */
  readonly inOrder?: boolean;
}

/** The share of captions in order, if they are to be. */
const inOrderShare = 0.8;

function mentionOf(random: Random, scene: Scene, group: number, partial: boolean): Mention {
  const { concept, count, colour, size } = must<Group>(scene.groups, group);
  const byCategory = partial && concept.category !== undefined && random.chance(0.08);
  // Attributes that distinguish two groups of one concept are always mentioned.
  const needed = repeats(scene);
  const synonym =
    concept.synonyms.length > 0 && random.chance(0.2) ? random.below(concept.synonyms.length) : undefined;
  return {
    group,
    concept: concept.name,
    count,
    colour: needed || !partial || random.chance(0.85) ? colour : undefined,
    size: needed || !partial || random.chance(0.75) ? size : undefined,
    digits: random.chance(0.15),
    byCategory,
    ...(byCategory || synonym === undefined ? {} : { synonym }),
  };
}

/** Sorts groups from left to right, or from top to bottom along the axis on which they are further apart. */
function byPosition(scene: Scene, chosen: readonly number[]): readonly number[] {
  const placed = chosen.map((group) => ({ group, ...extentOf(must(scene.groups, group)) }));
  const range = (values: readonly number[]) => Math.max(...values) - Math.min(...values);
  const axis = range(placed.map(({ x }) => x)) >= range(placed.map(({ y }) => y)) ? "x" : "y";
  return placed.sort((a, b) => a[axis] - b[axis]).map(({ group }) => group);
}

/** The groups to mention, in order. */
function chosenGroups(random: Random, scene: Scene, partial: boolean): readonly number[] {
  const all = random.shuffled(scene.groups.map((_, group) => group));
  // People do not list eight things.
  if (scene.kind === "crowd") return all.slice(0, 1 + random.below(4));
  const fewer = partial && all.length > 1 && !repeats(scene) && random.chance(all.length > 2 ? 0.25 : 0.12);
  return fewer ? all.slice(0, 1 + random.below(all.length - 1)) : all;
}

/** Whether two single things are close together and at about the same height. */
function isBeside(first: Group, second: Group): boolean {
  const [a, b] = [must(first.things, 0), must(second.things, 0)];
  return first.count === 1 && second.count === 1 && Math.abs(a.y - b.y) < 0.22 && Math.abs(a.x - b.x) < 0.62;
}

function relationBetween(
  random: Random,
  scene: Scene,
  first: number,
  second: number,
): SaidRelation | undefined {
  const [one, other] = [must(scene.groups, first), must(scene.groups, second)];
  const kind = relationOf(one, other);
  if (kind === undefined) return undefined;
  const verb = random.chance(0.2) ? (one.count > 1 || one.concept.many ? "are" : "is") : undefined;
  if ((kind === "left" || kind === "right") && isBeside(one, other) && random.chance(0.2))
    return { kind: "beside", words: random.pick(besideWords), verb };
  const words = relationWords[kind];
  return { kind, words: random.chance(0.7) ? must(words, 0) : random.pick(words), verb };
}

function saidPlace(random: Random, place: Place): Plan["place"] {
  return { place, words: random.pick(placePhrases(place)) };
}

/** The plan of a random true caption. */
export function planOf(
  random: Random,
  scene: Scene,
  { partial = true, inOrder = false }: CaptionOptions = {},
): Plan {
  const drawn = chosenGroups(random, scene, partial);
  const chosen = inOrder && random.chance(inOrderShare) ? byPosition(scene, drawn) : drawn;
  const [first, second] = chosen;
  const relation =
    first !== undefined && second !== undefined && chosen.length === 2 && random.chance(0.75)
      ? relationBetween(random, scene, first, second)
      : undefined;
  const mentions = chosen.map((group) => mentionOf(random, scene, group, partial));
  const where = random.chance(partial ? 0.8 : 0.97) ? saidPlace(random, scene.place) : undefined;
  const form = random.weighted({ list: 60, there: 12, "place-first": 10, opening: 18 });
  const clause = relation?.verb !== undefined;
  const bare = !clause && random.chance(0.04);
  return {
    form: clause || (form === "place-first" && where === undefined) ? "list" : form,
    mentions: bare ? mentions.map((mention) => ({ ...mention, bare })) : mentions,
    relation,
    place: where,
    opening: random.pick(openings),
  };
}

/** Different true captions. @returns fewer only if the scene has no more */
export function captionsOf(
  random: Random,
  scene: Scene,
  count: number,
  options: CaptionOptions = {},
): string[] {
  const said = new Set<string>();
  for (let turn = 0; turn < 20 * count && said.size < count; turn++)
    said.add(wordsOf(planOf(random, scene, options)));
  return [...said];
}

/** The plain sentence of a scene: all things in order, their clear relation, the place. */
export function plainPlan(scene: Scene): Plan {
  const mentions = scene.groups.map(({ concept, count, colour, size }, group): Mention => ({
    ...{ group, concept: concept.name, count, colour, size },
  }));
  const [first, second] = scene.groups;
  const kind = scene.groups.length === 2 && first && second ? relationOf(first, second) : undefined;
  const swapped = kind === "right" || kind === "below";
  const relation: SaidRelation | undefined =
    kind === undefined
      ? undefined
      : {
          kind,
          words: must(relationWords[kind === "right" ? "left" : kind === "below" ? "above" : kind], 0),
          verb: undefined,
        };
  return {
    form: "list",
    mentions: swapped ? [...mentions].reverse() : mentions,
    relation,
    place: { place: scene.place, words: must(placePhrases(scene.place), 0) },
    opening: must(openings, 0),
  };
}

export const plainCaption = (scene: Scene): string => wordsOf(plainPlan(scene));
