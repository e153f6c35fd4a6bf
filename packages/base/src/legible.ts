// Escapes foreign text (file names, texts, servers' answers) for printing: a terminal obeys control characters.

/**
 * Control characters, lone surrogates, line and paragraph separators, and characters that change the text direction.
 */
const obeyed = /[\p{Cc}\p{Cs}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;

const named: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

const written = (character: string): string =>
  named[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;

/** Escapes every character that a terminal obeys as in JSON (`\u001b`), including line ends. */
export const legible = (text: string): string => text.replace(obeyed, written);

/** The same, except that line ends stay: for text of several lines. */
export const legibleLines = (text: string): string =>
  text.replace(obeyed, (character) => (character === "\n" ? character : written(character)));
