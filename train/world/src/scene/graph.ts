// A scene's graph: pixels, sentences, questions and answers all come from it. Lengths are shares of the image's side.
import type { Style } from "../art/packages.ts";
import type { ColourName } from "../words/colours.ts";
import type { Concept } from "../words/concepts.ts";
import type { Place } from "../words/places.ts";

export const sceneKinds = ["single", "count", "pair", "three", "four", "colours", "sizes", "crowd"] as const;

/** Groups and what they differ in: one thing, several of one, two, three, four, two colours, two sizes, five to eight. */
export type SceneKind = (typeof sceneKinds)[number];

export type Size = "small" | "large";

/** One drawing. */
export interface Thing {
  /** Index in the catalogue. */
  readonly sprite: number;
  /** Its middle. */
  readonly x: number;
  readonly y: number;
  /** Its longer side. */
  readonly side: number;
  /** Degrees, clockwise. */
  readonly angle: number;
  readonly mirrored: boolean;
  /** Drawn with a white edge, whatever stands behind it. */
  readonly edge: boolean;
  /** Where it stands throws a shadow. */
  readonly stands: boolean;
}

/** What is wanted of a group. */
export interface GroupSpec {
  readonly concept: Concept;
  readonly count: number;
  /** Recoloured to it. */
  readonly colour?: ColourName | undefined;
  /** Beside another group, or alone in the image. */
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
  /** Whatever is drawn for it follows from this. */
  readonly key: string;
  readonly kind: SceneKind;
  /** "mixed": several styles. */
  readonly style: Style | "mixed";
  readonly place: Place;
  readonly groups: readonly Group[];
  /** Where the ground ends, from the top; undefined without ground. */
  readonly horizon: number | undefined;
  /** For photographs. */
  readonly view: View | undefined;
  /** Pixels are changed as in training: tones, blur, an occluding bar. */
  readonly augmented: boolean;
}

/** All things of a concept, whichever group they are of. */
export const countOf = (scene: Scene, concept: string): number =>
  scene.groups.reduce((sum, group) => sum + (group.concept.name === concept ? group.count : 0), 0);

export const conceptsIn = (scene: Scene): readonly string[] => [
  ...new Set(scene.groups.map(({ concept }) => concept.name)),
];

export const thingsIn = (scene: Scene): number => scene.groups.reduce((sum, { count }) => sum + count, 0);

/** Whether some groups are of one concept. */
export const repeats = (scene: Scene): boolean => conceptsIn(scene).length < scene.groups.length;

/** A group's middle and its reach. */
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

/** Least distance of two middles in the direction that is told. */
const clear = 0.2;

/** How the first group lies to the second, if it is clear: every thing of it, and more so than in the other direction. */
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

/** What two scenes must share to be the same scene for a sentence: place, and groups without their positions. */
export function signature({
  place,
  groups,
}: Pick<Scene, "place"> & { readonly groups: readonly GroupSpec[] }): string {
  const told = groups.map(({ concept, count, colour, size }) =>
    [count, size ?? "", colour ?? "", concept.name].join(" "),
  );
  return `${place.name}: ${[...told].sort().join(", ")}`;
}
