// Checks lists of texts from untyped callers.
import { badOption, schema } from "@blip-ts/base";
import { notAText } from "./errors.ts";

/**
 * Checks a list of texts before it is used.
 * @param name the argument @throws {UsageError} `usage/bad-option` for a value that is not a list, `text/not-a-text`
 */
export function expectTexts(texts: unknown, name = "texts"): asserts texts is readonly string[] {
  if (!Array.isArray(texts)) throw badOption(name, schema.shownValue(texts), ["a list of texts"]);
  const position = texts.findIndex((text: unknown) => typeof text !== "string");
  if (position >= 0) throw notAText(position, schema.shownValue(texts[position]));
}
