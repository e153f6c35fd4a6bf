// BLIP's own clean-up of texts before the tokenizer (data/utils.py). Captions and questions differ in small ways.

/** Python's \s: JavaScript's, without U+FEFF and with U+001C-U+001F and U+0085. */
const space = "[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]";
const runsOfSpace = new RegExp(`${space}{2,}`, "g");
const removed = /[.!"()*#:;~]/g;

/** The first words, separated by single spaces. */
function firstWords(text: string, maxWords: number): string {
  const words = text.split(" ");
  return words.length > maxWords ? words.slice(0, maxWords).join(" ") : text;
}

/** A text without the character at its end. (A pattern such as / +$/ takes quadratic time for a run within a text.) */
function withoutTrailing(text: string, character: string): string {
  let end = text.length;
  while (text[end - 1] === character) end--;
  return text.slice(0, end);
}

/**
 * A caption as BLIP was trained to read it: lower case, the marks . ! " ( ) * # : ; ~ replaced by spaces, runs of
 * spaces collapsed, cut to `maxWords` (30 for COCO, Flickr and pre-training; 40 for NLVR2 and MSRVTT).
 */
export function preCaption(text: string, maxWords = 50): string {
  const plain = text.toLowerCase().replace(removed, " ").replace(runsOfSpace, " ");
  const cut = withoutTrailing(withoutTrailing(plain, "\n"), " ");
  return firstWords(cut.replace(/^ +/, ""), maxWords);
}

/**
 * A question as BLIP was trained to read it: lower case, the same marks removed, trailing spaces cut, first `maxWords`.
 */
export function preQuestion(text: string, maxWords = 50): string {
  return firstWords(withoutTrailing(text.toLowerCase().replace(removed, ""), " "), maxWords);
}
