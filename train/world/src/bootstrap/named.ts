// Which things a caption names: for the truth of captions that were drawn.
import { sceneSource } from "../scene/sample.ts";

/** The small world's things by their names, each of which is one word. */
const things: ReadonlyMap<string, string> = new Map(
  sceneSource("small", "train", 1).world.concepts.flatMap(({ name, singular, plural, synonyms }) =>
    [name, singular, plural, ...synonyms].map((word) => [word, name] as const),
  ),
);

/** Names of the things in a text, once each. */
export const thingsNamed = (text: string): readonly string[] => [
  ...new Set(text.split(/[^a-z]+/).flatMap((word) => things.get(word) ?? [])),
];

/** Does a caption name something, and nothing that is not there? */
export function namesTruly(text: string, shown: readonly string[]): boolean {
  const named = thingsNamed(text);
  return named.length > 0 && named.every((thing) => shown.includes(thing));
}
