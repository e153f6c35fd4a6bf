// What others wrote (names of files, texts, answers of servers), fit to be printed: a terminal obeys control characters.

/** Control characters, halves of characters, line and paragraph separators, and what turns the direction of writing. */
const obeyed = /[\p{Cc}\p{Cs}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;

const named: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

const written = (character: string): string =>
  named[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;

/** A text with every character that a terminal obeys written out as in JSON (`\u001b`), line ends among them. */
export const legible = (text: string): string => text.replace(obeyed, written);

/** The same, but for line ends, which stay: a text of several lines. */
export const legibleLines = (text: string): string =>
  text.replace(obeyed, (character) => (character === "\n" ? character : written(character)));
