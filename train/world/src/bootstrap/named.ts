// Does a caption tell the truth: for captions that were drawn.
import { namedThings } from "@blip-ts/metrics";
import { sceneSource } from "../scene/sample.ts";
import { vocabularyOf } from "../words/concepts.ts";

const vocabulary = vocabularyOf(sceneSource("small", "train", 1).world.concepts);

/** Names of the things in a text, once each. */
export const thingsNamed = (text: string): readonly string[] => namedThings(text, vocabulary);

/** Does a caption name something, and nothing that is not there? */
export function namesTruly(text: string, shown: readonly string[]): boolean {
  const named = thingsNamed(text);
  return named.length > 0 && named.every((thing) => shown.includes(thing));
}
