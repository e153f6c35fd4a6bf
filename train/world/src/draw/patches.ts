// Labels each patch of an image, for the loss that trains the image encoder to name its patches.
import { missed } from "@blip-ts/base";
import type { Scene, Thing } from "../scene/graph.ts";
import { concepts } from "../words/concepts.ts";
import { Canvas } from "./canvas.ts";

/** The number of sample points per side of a patch. */
const points = 4;

/** The number of a patch's points that a thing must cover for the patch to show it. */
const leastPoints = 4;

/** The label of an empty patch: the first of the names. */
export const nothing = "nothing";

/** The names of all labels, in the order of their numbers. All worlds share them, so their data can be mixed. */
export const patchNames: readonly string[] = [nothing, ...concepts.map(({ name }) => name)];

/** Draws a thing's silhouette in white. */
export type DrawSilhouette<T extends Thing> = (canvas: Canvas, thing: T) => void;

/**
 * The label of each patch, row by row: a number of {@link patchNames}, or null if a thing covers too little of the patch.
 * @param things the things in drawing order
 * @param perSide the number of patches per side of the image
 */
export function patchesOf<T extends Thing>(
  things: readonly { readonly concept: string; readonly thing: T }[],
  perSide: number,
  draw: DrawSilhouette<T>,
): readonly (number | null)[] {
  const side = perSide * points;
  const owners = new Uint16Array(side * side);
  for (const { concept, thing } of things) {
    const canvas = new Canvas(side);
    draw(canvas, thing);
    const number = patchNames.indexOf(concept);
    for (let at = 0; at < owners.length; at++)
      if ((canvas.data[3 * at] ?? missed("pixel")) > 127) owners[at] = number;
  }
  return Array.from({ length: perSide * perSide }, (_, patch) =>
    shown(owners, side, (patch % perSide) * points, Math.floor(patch / perSide) * points),
  );
}

function shown(owners: Uint16Array, side: number, left: number, top: number): number | null {
  const counts = new Map<number, number>();
  for (let y = top; y < top + points; y++)
    for (let x = left; x < left + points; x++) {
      const owner = owners[y * side + x] ?? missed("point");
      if (owner !== 0) counts.set(owner, (counts.get(owner) ?? 0) + 1);
    }
  const [largest] = [...counts].sort(([, a], [, b]) => b - a);
  if (largest === undefined) return 0;
  return largest[1] >= leastPoints ? largest[0] : null;
}

/** A scene's things in drawing order: nearer things are drawn later. */
export const drawnOrder = (scene: Scene, foot: (thing: Thing) => number) =>
  scene.groups
    .flatMap((group) => group.things.map((thing) => ({ group, thing })))
    .sort((a, b) => a.thing.y + foot(a.thing) - b.thing.y - foot(b.thing));
