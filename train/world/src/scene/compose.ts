// Composes a scene from a specification: drawings, a view, a layout.
import { must } from "@blip-ts/base";
import type { Catalogue, Sprite } from "../art/catalogue.ts";
import type { Style } from "../art/packages.ts";
import type { Random } from "../random.ts";
import { colours, deltaE } from "../words/colours.ts";
import { isOpen, type Place } from "../words/places.ts";
import { colourHeld, heldYaw } from "./holdout.ts";
import { layOut, sideOf, type Item } from "./layout.ts";
import type { Group, GroupSpec, Scene, SceneKind, View } from "./graph.ts";
import type { Split, World } from "./settings.ts";

export interface Wanted {
  readonly key: string;
  readonly kind: SceneKind;
  readonly style: Style | "mixed";
  readonly place: Place;
  readonly groups: readonly GroupSpec[];
  /** Whether the groups are ordered from left to right, or from top to bottom. */
  readonly ordered?: "row" | "column" | undefined;
}

/** The minimum distance between a drawing's mean colour and a plain background. */
export const leastContrast = 18;

/** The minimum share of pixels with a clear hue for a drawing to be recoloured. */
const leastSaturated = 0.35;

function fits(
  sprite: Sprite,
  { concept, colour }: GroupSpec,
  place: Place,
  held: Split["combinations"],
): boolean {
  if (colour !== undefined && sprite.saturated < leastSaturated) return false;
  const { named } = sprite;
  if (
    held === "never" &&
    colour === undefined &&
    concept.recolour &&
    named !== undefined &&
    colourHeld(concept.name, named)
  )
    return false;
  if (place.kind !== "plain") return true;
  const ground = colours[place.colour];
  return deltaE(colour === undefined ? sprite.colour : colours[colour], ground) >= leastContrast;
}

/** The drawings that may represent a group. */
export const drawingsOf = (
  catalogue: Catalogue,
  style: Style,
  group: GroupSpec,
  place: Place,
  held: Split["combinations"],
): readonly Sprite[] =>
  catalogue.of(group.concept.name, style).filter((sprite) => fits(sprite, group, place, held));

function viewOf(random: Random, place: Place, part: Split["part"]): View | undefined {
  if (place.kind !== "photo") return undefined;
  const field = random.between(55, 80);
  const pitch = random.between(-10, 2);
  if (part === "test") return { field, pitch, yaw: random.between(heldYaw / 2 - 10, heldYaw / 2 + 10) };
  // The image contains none of the held-out degrees.
  return { field, pitch, yaw: random.between(heldYaw + field / 2, 360 - field / 2) };
}

/** The height of the horizon in a view, from the top. */
function horizonOf(random: Random, place: Place, view: View | undefined): number | undefined {
  if (place.kind === "plain") return undefined;
  if (view === undefined) return random.between(0.34, 0.58);
  const tangent = (degrees: number) => Math.tan((degrees * Math.PI) / 180);
  return 0.5 + tangent(view.pitch) / (2 * tangent(view.field / 2));
}

function itemsOf(
  random: Random,
  wanted: Wanted,
  { catalogue, world, split, styles }: Stage,
): readonly Item[] | undefined {
  const things = wanted.groups.reduce((sum, { count }) => sum + count, 0);
  const items: Item[] = [];
  for (const [group, spec] of wanted.groups.entries()) {
    const style = wanted.style === "mixed" ? random.pick(styles) : wanted.style;
    const drawings = drawingsOf(catalogue, style, spec, wanted.place, split.combinations);
    if (drawings.length === 0) return undefined;
    const [same, sprite] = [random.chance(0.75), random.pick(drawings)];
    const side = sideOf(random, spec, things, world.scale);
    for (let at = 0; at < spec.count; at++)
      items.push({
        ...{ group, concept: spec.concept, sprite: same ? sprite : random.pick(drawings) },
        side: side * (spec.count > 1 ? random.between(0.92, 1.08) : 1),
        angle: random.between(-12, 12),
        mirrored: random.chance(0.5) && !spec.concept.still,
        edge: split.augmented && random.chance(0.1),
      });
  }
  return items;
}

/** The setting in which scenes are made. */
export interface Stage {
  readonly catalogue: Catalogue;
  readonly world: World;
  readonly split: Split;
  readonly styles: readonly Style[];
}

/** @returns undefined if the style lacks a drawing, or there is no room */
export function compose(random: Random, wanted: Wanted, stage: Stage): Scene | undefined {
  const { key, kind, style, place, groups } = wanted;
  const { split, world } = stage;
  const items = itemsOf(random, wanted, stage);
  if (items === undefined) return undefined;
  const view = viewOf(random, place, split.part);
  const anywhere = place.kind === "plain" || random.chance(world.anywhere);
  const horizon = horizonOf(random, place, view);
  const ground = { horizon: anywhere ? undefined : horizon, open: !anywhere && isOpen(place) };
  const things = layOut(random, items, ground, wanted.ordered);
  if (things === undefined) return undefined;
  const placed = groups.map((spec, group): Group => ({
    ...spec,
    things: things.filter((_, at) => must(items, at).group === group),
  }));
  return { key, kind, style, place, groups: placed, horizon, view, augmented: split.augmented };
}
