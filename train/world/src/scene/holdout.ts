// The data that training never sees: combinations, by the hash of their names; scenes, by the hash of their signatures;
// views of the panoramas. None of it depends on a seed.
import { shareOf } from "../random.ts";
import type { Catalogue } from "../art/catalogue.ts";
import type { GroupSpec, Scene } from "./graph.ts";
import { signature } from "./graph.ts";
import type { ColourName } from "../words/colours.ts";
import type { Place } from "../words/places.ts";

/** The shares of the combinations that are held out. */
export const heldShares = { colour: 0.15, place: 0.15, pair: 0.2, five: 0.2 } as const;

/** The share of the signatures that no training scene has. */
export const testShare = 0.1;

/** The degrees of each panorama, from 0, that no training view shows. */
export const heldYaw = 72;

const held = (kind: keyof typeof heldShares, ...names: string[]): boolean =>
  shareOf(`held out ${kind}: ${names.join(" | ")}`) < heldShares[kind];

export const colourHeld = (concept: string, colour: ColourName): boolean => held("colour", concept, colour);

export const placeHeld = (concept: string, placeName: string): boolean => held("place", concept, placeName);

export function pairHeld(first: string, second: string): boolean {
  if (first === second) return false;
  return first < second ? held("pair", first, second) : held("pair", second, first);
}

/** Whether groups of five of a concept are held out. */
export const fiveHeld = (concept: string): boolean => held("five", concept);

/** The held-out combinations of a scene, by name. */
export function heldOut(
  place: Place,
  groups: readonly GroupSpec[],
  catalogue?: Catalogue,
  scene?: Scene,
): string[] {
  const combinations: string[] = [];
  for (const [index, { concept, count, colour }] of groups.entries()) {
    const { name } = concept;
    if (placeHeld(name, place.name)) combinations.push(`${name} | ${place.name}`);
    if (colour !== undefined && colourHeld(name, colour)) combinations.push(`${name} | ${colour}`);
    if (count >= 5 && fiveHeld(name)) combinations.push(`${name} | five`);
    for (const other of groups.slice(index + 1))
      if (pairHeld(name, other.concept.name)) combinations.push(`${name} | ${other.concept.name}`);
  }
  if (catalogue && scene)
    for (const group of scene.groups) {
      const colour = ownColour(group, catalogue);
      if (colour !== undefined && group.colour === undefined && colourHeld(group.concept.name, colour))
        combinations.push(`${group.concept.name} | ${colour}`);
    }
  return combinations;
}

/** The natural colour of the drawings of a recolourable concept. */
export function ownColour(
  { concept, things }: Scene["groups"][number],
  catalogue: Catalogue,
): ColourName | undefined {
  if (!concept.recolour) return undefined;
  const [first] = things;
  return first === undefined ? undefined : catalogue.at(first.sprite).named;
}

/** The part to which a scene's signature belongs. */
export const partOf = (scene: Parameters<typeof signature>[0]): "train" | "test" =>
  partOfText(signature(scene));

export const partOfText = (text: string): "train" | "test" =>
  shareOf(`part of ${text}`) < testShare ? "test" : "train";
