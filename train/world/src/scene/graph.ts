// A scene's graph, from which pixels, sentences, questions and answers are derived. Lengths are shares of the image's
// side.
import type { Style } from "../art/packages.ts";
import type { ColourName } from "../words/colours.ts";
import type { Concept } from "../words/concepts.ts";
import type { Place } from "../words/places.ts";

export const sceneKinds = ["single", "count", "pair", "three", "four", "colours", "sizes", "crowd"] as const;

/**
 * The kinds of scenes, by their groups: one thing, several of one, two, three, four, two colours, two sizes, five to
 * eight.
 */
export type SceneKind = (typeof sceneKinds)[number];

export type Size = "small" | "large";

/** One drawing in a scene. */
export interface Thing {
  /** The index in the catalogue. */
  readonly sprite: number;
  /** The centre. */
  readonly x: number;
  readonly y: number;
  /** The longer side. */
  readonly side: number;
  /** Degrees, clockwise. */
  readonly angle: number;
  readonly mirrored: boolean;
  /** Whether it always has a white border, regardless of the background. */
  readonly edge: boolean;
  /** Whether it stands on the ground and has a shadow. */
  readonly stands: boolean;
}

/** The specification of a group. */
export interface GroupSpec {
  readonly concept: Concept;
  readonly count: number;
  /** The colour that the drawings are recoloured to. */
  readonly colour?: ColourName | undefined;
  /** The size, relative to another group or alone in the image. */
  readonly size?: Size | undefined;
}

export interface Group extends GroupSpec {
  readonly things: readonly Thing[];
}

/** A view of a panorama, in degrees. */
export interface View {
  readonly yaw: number;
  readonly pitch: number;
  readonly field: number;
}

export interface Scene {
  /** The key of all random draws for the scene. */
  readonly key: string;
  readonly kind: SceneKind;
  /** "mixed" means several styles. */
  readonly style: Style | "mixed";
  readonly place: Place;
  readonly groups: readonly Group[];
  /** The upper end of the ground, from the top; undefined without ground. */
  readonly horizon: number | undefined;
  /** The view of a photograph. */
  readonly view: View | undefined;
  /** Whether pixels are augmented as in training: tones, blur, an occluding bar. */
  readonly augmented: boolean;
}

/** The number of things of a concept, over all groups. */
export const countOf = (scene: Scene, concept: string): number =>
  scene.groups.reduce((sum, group) => sum + (group.concept.name === concept ? group.count : 0), 0);

export const conceptsIn = (scene: Scene): readonly string[] => [
  ...new Set(scene.groups.map(({ concept }) => concept.name)),
];

export const thingsIn = (scene: Scene): number => scene.groups.reduce((sum, { count }) => sum + count, 0);

/** Whether two groups have the same concept. */
export const repeats = (scene: Scene): boolean => conceptsIn(scene).length < scene.groups.length;

/** The centre of a group, and the range of its things' centres. */
export interface Extent {
  readonly x: number;
  readonly y: number;
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

export function extentOf({ things }: Group): Extent {
  const xs = things.map(({ x }) => x);
  const ys = things.map(({ y }) => y);
  const mean = (list: readonly number[]) => list.reduce((a, b) => a + b, 0) / list.length;
  return {
    ...{ x: mean(xs), y: mean(ys) },
    ...{ left: Math.min(...xs), right: Math.max(...xs), top: Math.min(...ys), bottom: Math.max(...ys) },
  };
}

export const relations = ["left", "right", "above", "below"] as const;

export type Relation = (typeof relations)[number];

export const opposite: Readonly<Record<Relation, Relation>> = {
  left: "right",
  right: "left",
  above: "below",
  below: "above",
};

/** The minimum distance between two centres in the direction of the relation. */
const clear = 0.2;

/**
 * The relation of the first group to the second, if it is clear: it holds for every thing, and clearly more than in the
 * other direction.
 */
export function relationOf(first: Group, second: Group): Relation | undefined {
  const [a, b] = [extentOf(first), extentOf(second)];
  const [across, down] = [Math.abs(a.x - b.x), Math.abs(a.y - b.y)];
  if (across > clear && across > 1.3 * down) {
    if (a.right < b.left - 0.08) return "left";
    if (b.right < a.left - 0.08) return "right";
  }
  if (down > clear && down > 1.3 * across) {
    if (a.bottom < b.top - 0.08) return "above";
    if (b.bottom < a.top - 0.08) return "below";
  }
  return undefined;
}

/** The identity of a scene for sentences: its place, and its groups without their positions. */
export function signature({
  place,
  groups,
}: Pick<Scene, "place"> & { readonly groups: readonly GroupSpec[] }): string {
  const told = groups.map(({ concept, count, colour, size }) =>
    [count, size ?? "", colour ?? "", concept.name].join(" "),
  );
  return `${place.name}: ${[...told].sort().join(", ")}`;
}
