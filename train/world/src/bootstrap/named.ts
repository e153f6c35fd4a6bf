// Which things a caption names: for the truth of captions that were drawn.
import { sceneSource } from "../scene/sample.ts";

/** Phrases of the small world, the longest first, each with its thing. */
const phrases: readonly (readonly [phrase: string, thing: string])[] = sceneSource("small", "train", 1)
  .world.concepts.flatMap(({ name, singular, plural, synonyms }) =>
    [...new Set([name, singular, plural, ...synonyms])].map((phrase) => [phrase, name] as const),
  )
  .sort(([a], [b]) => b.length - a.length);

/** Names of the things in a text of words and spaces; a longer name hides the shorter ones within it. */
export function thingsNamed(text: string): readonly string[] {
  const things = new Set<string>();
  let left = ` ${text} `;
  for (const [phrase, thing] of phrases) {
    const cut = left.replaceAll(` ${phrase} `, "  ");
    if (cut !== left) things.add(thing);
    left = cut;
  }
  return [...things];
}

/** Does a caption name something, and nothing that is not there? */
export function namesTruly(text: string, things: readonly string[]): boolean {
  const named = thingsNamed(text.replaceAll(",", " ,"));
  return named.length > 0 && named.every((thing) => things.includes(thing));
}
