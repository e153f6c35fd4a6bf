// BLIP's clean-up of texts before the tokenizer (data/utils.py). It differs slightly between captions and questions.

/** Python's \s: JavaScript's \s without U+FEFF, and with U+001C-U+001F and U+0085. */
const space = "[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]";
const runsOfSpace = new RegExp(`${space}{2,}`, "g");
const removed = /[.!"()*#:;~]/g;

/** Returns the first words of a text. Words are separated by single spaces. */
function firstWords(text: string, maxWords: number): string {
  const words = text.split(" ");
  return words.length > maxWords ? words.slice(0, maxWords).join(" ") : text;
}

/** Removes a trailing character. (A pattern such as / +$/ takes quadratic time for a run of spaces within a text.) */
function withoutTrailing(text: string, character: string): string {
  let end = text.length;
  while (text[end - 1] === character) end--;
  return text.slice(0, end);
}

/**
 * Cleans a caption as in BLIP's training: lower-cases it, replaces the marks . ! " ( ) * # : ; ~ by spaces, collapses
 * runs of spaces, and truncates it to `maxWords` (30 for COCO, Flickr and pre-training; 40 for NLVR2 and MSRVTT).
 */
export function preCaption(text: string, maxWords = 50): string {
  const plain = text.toLowerCase().replace(removed, " ").replace(runsOfSpace, " ");
  const cut = withoutTrailing(withoutTrailing(plain, "\n"), " ");
  return firstWords(cut.replace(/^ +/, ""), maxWords);
}

/**
 * Cleans a question as in BLIP's training: lower-cases it, removes the marks that `preCaption` replaces, removes
 * trailing spaces, and truncates it to `maxWords`.
 */
export function preQuestion(text: string, maxWords = 50): string {
  return firstWords(withoutTrailing(text.toLowerCase().replace(removed, ""), " "), maxWords);
}
