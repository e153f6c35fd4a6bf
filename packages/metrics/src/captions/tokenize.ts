// Splits captions into the words that BLEU, ROUGE-L and CIDEr-D count (pycocoevalcap, tokenizer/ptbtokenizer.py).
import { tooLong } from "../errors.ts";
import { trimEnd } from "../python-text.ts";
import { lex } from "./ptb/lexer.ts";
import { lowerCase } from "./ptb/lower-case.ts";

/** The words of a caption. */
export type Tokens = readonly string[];

/** The longest caption in UTF-16 units. The time for an adversarial caption grows with the square of its length. */
export const longestCaption = 5000;

/**
 * Punctuation tokens, which are removed. Brackets are not among them: lower-casing turns them into "-lrb-" etc. first.
 */
const punctuation = new Set("'' ' `` ` . ? ! , : - -- ... ; -LRB- -RRB- -LCB- -RCB-".split(" "));

/**
 * The lower-cased words of each caption, without punctuation: Stanford's PTBTokenizer 3.4.1 (-preserveLines
 * -lowerCase), then pycocoevalcap's list of 17 punctuation tokens. "A man's dog, isn't it?" gives a, man, 's, dog, is,
 * n't, it.
 *
 * As in the reference, all captions form one text with one line per caption. So the start of the next caption can
 * decide whether a full stop stays with a single letter ("row A.") or with "no." and "fig.", and the order of captions
 * can matter. Unlike in the reference, line breaks of every kind within a caption become spaces (the reference converts
 * only "\n"; others shift all later captions by a line).
 * @param captions any text
 * @returns the words of each caption; some contain a U+00A0 where PTBTokenizer keeps a space ("5 1/2")
 * @throws {UsageError} `usage/bad-option` if a caption is longer than 5,000 UTF-16 units
 * @source pycocoevalcap 1.2 tokenizer/ptbtokenizer.py; edu.stanford.nlp.process.PTBTokenizer 3.4.1
 */
export function tokenizeCaptions(captions: readonly string[]): string[][] {
  for (const [index, caption] of captions.entries())
    if (caption.length > longestCaption) throw tooLong(`captions[${index}]`, longestCaption, caption.length);
  if (captions.length === 0) return [];
  const text = captions.map((caption) => caption.replace(/[\n\v\f\r\u2028\u2029]/g, " ")).join("\n");
  return linesOf(text).map((line) =>
    trimEnd(line)
      .split(" ")
      .filter((token) => token !== "" && !punctuation.has(token)),
  );
}

/** PTBTokenizer's output: lower-cased tokens separated by spaces, one line per line of the text. */
function linesOf(text: string): string[] {
  let output = "";
  let atStart = true;
  for (const token of lex(text)) {
    if (!atStart && token !== "\n") output += " ";
    output += lowerCase(token);
    atStart = token === "\n";
  }
  return output.split("\n");
}
