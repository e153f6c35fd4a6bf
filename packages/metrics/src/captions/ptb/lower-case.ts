// Lower case as in Java, which differs from JavaScript for a capital sigma that may end a word.

const inWord = "[\\p{L}\\p{M}\\p{N}\\p{Cf}]+";
/**
 * A word in the sense of Java's BreakIterator: certain marks between letters, and others between digits, do not
 * separate it.
 */
const word = new RegExp(
  `${inWord}(?:(?:(?<=[\\p{L}\\p{M}])['.\\u2027\\p{Pd}\\p{Pc}](?=\\p{L})|(?<=\\p{N})['.,\\u066b](?=\\p{N}))${inWord})*`,
  "gu",
);
const cased = /\p{Cased}/u;

/**
 * Java's `String.toLowerCase`. A capital sigma becomes the final sigma if its word has a cased letter before it and
 * none after it, regardless of digits or hyphens in between ("ΣΑΣ-b" has no final sigma, "ΣΑΣ b" has one).
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
