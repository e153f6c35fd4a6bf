// Raw tokens, including those that tokenizeCaptions removes.
import { expect, test } from "vitest";
import { lex } from "./lexer.ts";
import { lowerCase } from "./lower-case.ts";

test.each<[string, readonly string[]]>([
  ["a\nb", ["a", "\n", "b"]],
  ["\u00ad\u00ad soft\u00adly", ["-", "softly"]],
  ["2 1/2 cups", ["2\u00a01/2", "cups"]],
  ['He said: "no".', ["He", "said", ":", "``", "no", "''", "."]],
  // The same abbreviation at the end of a sentence, inside it, and at the end of the text.
  ["Inc. The", ["Inc.", ".", "The"]],
  ["Inc. is", ["Inc.", "is"]],
  ["Inc.", ["Inc.", "."]],
  ["the U.S. The end", ["the", "U.S.", ".", "The", "end"]],
  ["the U.S. flag", ["the", "U.S.", "flag"]],
  ['say "x" now', ["say", "``", "x", "''", "now"]],
  ["a \u00ad b", ["a", "-", "b"]],
  ["cannot don't it's gonna", ["can", "not", "do", "n't", "it", "'s", "gon", "na"]],
  ["a \u{1f600} dog", ["a", "dog"]],
])("%j", (text, expected) => {
  expect([...lex(text)]).toEqual(expected);
});

test.each([
  ["ΣΑΣ", "σας"],
  ["Σ", "σ"],
  ["ΣΑΣ-B", "σασ-b"],
  ["ΣΑΣ10K", "σασ10k"],
  ["ΣΑΣ B", "σας b"],
  ["ΟΔΟΣ.", "οδος."],
  ["İI", "i\u0307i"],
])("%s in small letters is %s, as in Java", (text, expected) => {
  expect(lowerCase(text)).toBe(expected);
});
