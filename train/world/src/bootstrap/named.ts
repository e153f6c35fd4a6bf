// Checks whether captions of drawn scenes are true.
import { namedThings } from "@blip-ts/metrics";
import { sceneSource } from "../scene/sample.ts";
import { vocabularyOf } from "../words/concepts.ts";

const vocabulary = vocabularyOf(sceneSource("small", "train", 1).world.concepts);

/** The names of the things in a text, each once. */
export const thingsNamed = (text: string): readonly string[] => namedThings(text, vocabulary);

/** Whether a caption names at least one thing, and only things that are shown. */
export function namesTruly(text: string, shown: readonly string[]): boolean {
  const named = thingsNamed(text);
  return named.length > 0 && named.every((thing) => shown.includes(thing));
}
