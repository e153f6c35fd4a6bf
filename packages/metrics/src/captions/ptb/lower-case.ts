// Small letters as Java makes them. It differs from JavaScript where a capital sigma may end a word.

const inWord = "[\\p{L}\\p{M}\\p{N}\\p{Cf}]+";
/** A word of Java's BreakIterator: some marks between letters, and others between digits, hold it together. */
const word = new RegExp(
  `${inWord}(?:(?:(?<=[\\p{L}\\p{M}])['.\\u2027\\p{Pd}\\p{Pc}](?=\\p{L})|(?<=\\p{N})['.,\\u066b](?=\\p{N}))${inWord})*`,
  "gu",
);
const cased = /\p{Cased}/u;

/**
 * `String.toLowerCase` of Java: a capital sigma becomes the final one if its word has a cased letter before it and none
 * after it, whatever digits or hyphens are between ("ΣΑΣ-b" has no final sigma, "ΣΑΣ b" has one).
 */
export function lowerCase(text: string): string {
  if (!text.includes("Σ")) return text.toLowerCase();
  const parts = text.replace(word, (one) =>
    one.replace(/Σ/g, (_, at: number) =>
      cased.test(one.slice(0, at)) && !cased.test(one.slice(at + 1)) ? "ς" : "σ",
    ),
  );
  return parts.toLowerCase();
}
