// Random scenes within the limits of a split. Each scene depends only on its number.
import { catalogue as committed, type Catalogue } from "../art/catalogue.ts";
import type { Style } from "../art/packages.ts";
import { noScene } from "../errors.ts";
import { Random } from "../random.ts";
import { colourNames, type ColourName } from "../words/colours.ts";
import { akin, type Concept } from "../words/concepts.ts";
import type { Place } from "../words/places.ts";
import { compose, type Stage } from "./compose.ts";
import type { GroupSpec, Scene, SceneKind } from "./graph.ts";
import { heldOut, pairHeld, partOf, placeHeld } from "./holdout.ts";
import { splits, stylesOf, worlds, type Split, type SplitName, type WorldName } from "./settings.ts";

const mostTries = 4000;

export interface SceneSource extends Stage {
  readonly seed: number;
  /** The scene with a number. @throws {RangeError} if no layout is found */
  scene(number: number): Scene;
  /** A scene with its own key instead of a number. `accept` may reject candidates. */
  named(key: string, accept?: (scene: Scene) => boolean): Scene;
}

/** Draws a kind of place, then a place of that kind. */
function drawPlace(random: Random, { world }: Stage): Place {
  return random.pick<Place>(world.places[random.weighted(world.placeShares)]);
}

/** Chooses concepts and colours, without held-out combinations if the split excludes them. */
class Chooser {
  readonly #random: Random;
  readonly #stage: Stage;
  readonly #style: Style | "mixed";
  readonly #place: Place;

  constructor(random: Random, stage: Stage, style: Style | "mixed", place: Place) {
    this.#random = random;
    this.#stage = stage;
    this.#style = style;
    this.#place = place;
  }

  /** Chooses `count` different concepts. */
  concepts(
    count: number,
    wanted: (concept: Concept) => boolean = () => true,
  ): readonly Concept[] | undefined {
    const { catalogue, split, world } = this.#stage;
    const chosen: Concept[] = [];
    const may = (concept: Concept) =>
      wanted(concept) &&
      (this.#style === "mixed" || catalogue.of(concept.name, this.#style).length > 0) &&
      !(split.combinations === "never" && placeHeld(concept.name, this.#place.name)) &&
      !(
        this.#place.kind === "photo" &&
        this.#place.doubtful.includes(concept.name) &&
        this.#random.chance(0.7)
      );
    for (let turn = 0; turn < 60 && chosen.length < count; turn++) {
      const concept = this.#random.pick(world.concepts);
      const clashes = chosen.some(
        ({ name }) =>
          akin(name, concept.name) || (split.combinations === "never" && pairHeld(name, concept.name)),
      );
      if (!clashes && may(concept)) chosen.push(concept);
    }
    return chosen.length === count ? chosen : undefined;
  }

  colours(count: number): readonly ColourName[] {
    return this.#random.sample(colourNames, count);
  }
}

type Maker = (random: Random, choose: Chooser, stage: Stage) => readonly GroupSpec[] | undefined;

const single = (concept: Concept): GroupSpec => ({ concept, count: 1 });

const makers: Readonly<Record<SceneKind, Maker>> = {
  single(random, choose) {
    const size = random.weighted({ small: 35, middle: 30, large: 35 });
    return choose
      .concepts(1)
      ?.map((concept) => (size === "middle" || concept.many ? single(concept) : { concept, count: 1, size }));
  },
  count(random, choose, { world }) {
    const count = 2 + random.below(world.most - 1);
    return choose.concepts(1, ({ many }) => !many)?.map((concept) => ({ concept, count }));
  },
  pair(random, choose, { world }) {
    const groups = choose.concepts(2)?.map(single);
    if (!groups || !world.kindShares.count || world.name === "plain" || !random.chance(0.2)) return groups;
    const [which, count] = [random.below(2), 2 + random.below(2)];
    return groups.map((group, at) => (at === which && !group.concept.many ? { ...group, count } : group));
  },
  three(random, choose, { world }) {
    const groups = choose.concepts(3)?.map(single);
    const several = world.name !== "plain" && random.chance(0.15) ? random.below(3) : -1;
    return groups?.map((group, at) =>
      at === several && !group.concept.many ? { ...group, count: 2 } : group,
    );
  },
  crowd: (random, choose) => choose.concepts(5 + random.below(4))?.map(single),
  four: (_, choose) => choose.concepts(4)?.map(single),
  colours(random, choose) {
    const [first, second] = choose.colours(2);
    const same = random.chance(0.4);
    const chosen = choose.concepts(same ? 1 : 2, ({ recolour }) => recolour);
    const [one, other = one] = chosen ?? [];
    if (!one || !other) return undefined;
    return [
      { concept: one, count: 1, colour: first },
      { concept: other, count: 1, colour: second },
    ];
  },
  sizes(random, choose) {
    const chosen = choose.concepts(random.chance(0.3) ? 1 : 2, ({ many }) => !many);
    const [one, other = one] = chosen ?? [];
    if (!one || !other) return undefined;
    return random.shuffled([
      { concept: one, count: 1, size: "large" as const },
      { concept: other, count: 1, size: "small" as const },
    ]);
  },
};

/** Recolours some groups of recolourable things. */
const coloured = (random: Random, groups: readonly GroupSpec[], share: number): readonly GroupSpec[] =>
  groups.map((group) =>
    group.concept.recolour && group.colour === undefined && random.chance(share)
      ? { ...group, colour: random.pick(colourNames) }
      : group,
  );

/** Whether a split may show this. */
function allowed(split: Split, place: Place, groups: readonly GroupSpec[]): boolean {
  const held = heldOut(place, groups).length > 0;
  // A scene with a held-out combination is never a training scene.
  return split.combinations === "always" ? held : !held && partOf({ place, groups }) === split.part;
}

/**
 * One attempt at a scene. All attempts share kind and style: drawing these again would favour kinds that are rejected
 * less often.
 */
function attempt(
  key: string,
  turn: number,
  kind: SceneKind,
  style: Style | "mixed",
  stage: Stage,
): Scene | undefined {
  const random = new Random(`${key}/${turn}`);
  const place = drawPlace(random, stage);
  const drawn = makers[kind](random, new Chooser(random, stage, style, place), stage);
  const groups = drawn && coloured(random, drawn, stage.world.recoloured);
  if (!groups || !allowed(stage.split, place, groups)) return undefined;
  return compose(random, { key, kind, style, place, groups }, stage);
}

function drawScene(key: string, stage: Stage, accept: (scene: Scene) => boolean): Scene {
  const first = new Random(key);
  const kind = first.weighted(stage.world.kindShares);
  const style = first.chance(stage.styles.length > 1 ? stage.world.mixed : 0)
    ? "mixed"
    : first.pick(stage.styles);
  for (let turn = 0; turn < mostTries; turn++) {
    const scene = attempt(key, turn, kind, style, stage);
    if (scene && accept(scene)) return scene;
  }
  throw noScene(key);
}

/**
 * The scenes of a world's split.
 * @param styles default: the split's
 * @param catalogue the catalogue of sprites; default: the committed one
 */
export function sceneSource(
  world: WorldName,
  split: SplitName,
  seed: number,
  styles: readonly Style[] = stylesOf(worlds[world], splits[split]),
  catalogue: Catalogue = committed(),
): SceneSource {
  const stage = {
    catalogue,
    world: worlds[world],
    split: splits[split],
    styles,
  };
  const named = (key: string, accept: (scene: Scene) => boolean = () => true) =>
    drawScene(`${world}/${split}/${seed}/${key}`, stage, accept);
  return { ...stage, seed, named, scene: (number) => named(String(number)) };
}
