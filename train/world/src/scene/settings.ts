// The worlds with their things, places, styles and kinds of scenes, and their splits.
import { farStyles, trainingStyles, unseenStyles, type Style } from "../art/packages.ts";
import { concepts, firstThings, smallThings, type Concept } from "../words/concepts.ts";
import { paintedPlaces, photoPlaces, plainPlaces } from "../words/places.ts";
import type { SceneKind } from "./graph.ts";

export const worldNames = ["full", "crowd", "pairs", "close", "small", "plain"] as const;

/**
 * The worlds.
 * - `full`: everything.
 * - `crowd`: five to eight things per scene, of which a caption names some, so that there is much to learn per image.
 * - `pairs`: two things per scene, so that most captions state a relation.
 * - `close`: one large thing per scene, so that its details are visible.
 * - `small`: 24 things, one or two per scene.
 * - `plain`: 79 things on plain backgrounds.
 */
export type WorldName = (typeof worldNames)[number];

export interface World {
  readonly name: WorldName;
  readonly concepts: readonly Concept[];
  readonly places: {
    readonly plain: typeof plainPlaces;
    readonly painted: typeof paintedPlaces;
    readonly photo: typeof photoPlaces;
  };
  /** The shares of the kinds of places, and of scenes. */
  readonly placeShares: Readonly<Record<"plain" | "painted" | "photo", number>>;
  readonly kindShares: Readonly<Partial<Record<SceneKind, number>>>;
  /** The share of scenes that mix styles. */
  readonly mixed: number;
  /** The share of scenes in which things are placed anywhere, so that a thing does not reveal the place. */
  readonly anywhere: number;
  /** The share of recolourable things that are recoloured when the kind of scene does not require it. */
  readonly recoloured: number;
  /** The styles of splits without their own. */
  readonly styles: readonly Style[];
  /** The maximum number of things in a group of the kind `count`. */
  readonly most: number;
  /** A factor of all sizes: larger things for smaller images. */
  readonly scale: number;
}

const all = { plain: plainPlaces, painted: paintedPlaces, photo: photoPlaces };

const full: World = {
  name: "full",
  concepts,
  places: all,
  placeShares: { plain: 20, painted: 40, photo: 40 },
  kindShares: { single: 15, count: 15, pair: 30, three: 15, four: 8, colours: 10, sizes: 7 },
  mixed: 0.15,
  anywhere: 0.1,
  recoloured: 0.25,
  styles: trainingStyles,
  most: 5,
  scale: 1,
};

export const worlds: Readonly<Record<WorldName, World>> = {
  full,
  crowd: { ...full, name: "crowd", kindShares: { crowd: 1 }, anywhere: 1 },
  // Things are often placed anywhere: what flies is not always above.
  pairs: { ...full, name: "pairs", kindShares: { pair: 60, colours: 20, sizes: 20 }, anywhere: 0.4 },
  close: { ...full, name: "close", kindShares: { single: 1 }, scale: 1.4 },
  small: {
    ...full,
    name: "small",
    concepts: concepts.filter(({ name }) => smallThings.has(name)),
    placeShares: { plain: 50, painted: 50, photo: 0 },
    kindShares: { single: 40, pair: 60 },
    mixed: 0,
    recoloured: 0,
    scale: 1.15,
  },
  plain: {
    ...full,
    name: "plain",
    concepts: concepts.filter(({ name }) => firstThings.has(name)),
    placeShares: { plain: 1, painted: 0, photo: 0 },
    kindShares: { single: 25, count: 25, pair: 30, three: 20 },
    mixed: 0,
    recoloured: 0,
    styles: trainingStyles.filter((style) =>
      ["noto", "fluent-emoji", "fluent-emoji-flat", "emojione"].includes(style),
    ),
    most: 4,
  },
};

export const splitNames = ["train", "S0", "S1", "S2", "S2b"] as const;

/**
 * `S0`: new scenes. `S1`: held-out combinations. `S2`: an unseen style. `S2b`: two more unseen styles, which look quite
 * different.
 */
export type SplitName = (typeof splitNames)[number];

export interface Split {
  readonly name: SplitName;
  /** The split's styles; undefined for the world's own. */
  readonly styles: readonly Style[] | undefined;
  /** Whether scenes must contain a held-out combination, or must not. */
  readonly combinations: "never" | "always";
  /** The part of the signatures, and of the panoramas' yaws, that the scenes come from. */
  readonly part: "train" | "test";
  readonly augmented: boolean;
}

const test: Omit<Split, "name"> = {
  styles: undefined,
  combinations: "never",
  part: "test",
  augmented: false,
};

export const splits: Readonly<Record<SplitName, Split>> = {
  train: { name: "train", styles: undefined, combinations: "never", part: "train", augmented: true },
  S0: { ...test, name: "S0" },
  S1: { ...test, name: "S1", combinations: "always" },
  S2: { ...test, name: "S2", styles: unseenStyles },
  S2b: { ...test, name: "S2b", styles: farStyles },
};

/** The styles of a split's scenes. */
export const stylesOf = (world: World, split: Split): readonly Style[] => split.styles ?? world.styles;
