// What each patch of an image shows, for the loss that has the image encoder name its patches.
import { missed } from "@blip-ts/base";
import type { Scene, Thing } from "../scene/graph.ts";
import { Canvas } from "./canvas.ts";

/** Points per side of a patch that are looked at. */
const points = 4;

/** Of a patch's points, how many a thing must cover for the patch to show it. */
const leastPoints = 4;

/** What a patch shows that shows nothing: the first of the names. */
export const nothing = "nothing";

/** Names of what patches can show, in the order of their numbers. */
export const patchNames = (concepts: readonly { readonly name: string }[]): readonly string[] => [
  nothing,
  ...concepts.map(({ name }) => name),
];

/** Draws a thing's silhouette in white. */
export type DrawSilhouette = (canvas: Canvas, thing: Thing) => void;

/**
 * The number of what each patch shows, row by row: 0 for nothing, a concept's place in the list plus 1, null if a thing covers
 * too little of it to say.
 * @param things in the order in which they are drawn
 * @param perSide patches per side of the image
 */
export function patchesOf(
  things: readonly { readonly concept: string; readonly thing: Thing }[],
  concepts: readonly { readonly name: string }[],
  perSide: number,
  draw: DrawSilhouette,
): readonly (number | null)[] {
  const side = perSide * points;
  const owners = new Uint16Array(side * side);
  for (const { concept, thing } of things) {
    const canvas = new Canvas(side);
    draw(canvas, thing);
    const number = 1 + concepts.findIndex(({ name }) => name === concept);
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

/** A scene's things in the order in which they are drawn: what stands nearer is drawn later. */
export const drawnOrder = (scene: Scene, foot: (thing: Thing) => number) =>
  scene.groups
    .flatMap((group) => group.things.map((thing) => ({ group, thing })))
    .sort((a, b) => a.thing.y + foot(a.thing) - b.thing.y - foot(b.thing));
