// Finds words that a vocabulary lacks. WordPiece splits these words into letters or replaces them by [UNK], and the
// network answers as if nothing were wrong. A warning names the words.
import { unknownWords as unknownWordsWarning } from "./errors.ts";
import { must, type Warning } from "@blip-ts/base";

/** The share of unknown words above which a text causes a warning. */
const unknownShare = 0.1;
/** The most words in a warning, and the most warnings per tokenizer. */
const mostNamed = 8;
const mostWarnings = 5;
/** The most words that are remembered, so that no word causes two warnings. */
const mostRemembered = 1_000;
const maxWordShown = 40;

/** The part of a tokenizer that this file uses. */
export interface Pieces {
  /** Returns the tokens of a text without special tokens. `##` marks tokens that continue a word. */
  pieces(text: string): readonly string[];
}

const isWord = /[\p{L}\p{N}]|^\[UNK\]$/u;
const oneCharacter = /^(?:##)?.$/su;
const digits = /^[\d#]+$/;

/** Groups pieces into words. */
function wordsOf(pieces: readonly string[]): (readonly string[])[] {
  const words: string[][] = [];
  for (const piece of pieces) {
    const last = words.at(-1);
    if (piece.startsWith("##") && piece.length > 2 && last) last.push(piece);
    else words.push([piece]);
  }
  return words.filter((word) => isWord.test(must(word, 0)));
}

/**
 * Whether a word is neither in the vocabulary nor composed mainly of pieces longer than a letter. Numbers may be split
 * into digits.
 */
function isUnknown(word: readonly string[]): boolean {
  if (word.includes("[UNK]")) return true;
  if (word.length === 1 || digits.test(word.join(""))) return false;
  const letters = word.filter((piece) => oneCharacter.test(piece)).length;
  const characters = word.reduce((sum, piece) => sum + Array.from(piece.replace(/^##/, "")).length, 0);
  return letters > characters / 2;
}

/** Whether the share of unknown words exceeds the limit. @param pieces a text's tokens, without special tokens */
export function readsUnknownWords(pieces: readonly string[]): boolean {
  const words = wordsOf(pieces);
  return words.filter(isUnknown).length > words.length * unknownShare;
}

const edges = /^[^\p{L}\p{N}\p{So}]+|[^\p{L}\p{N}\p{So}]+$/gu;

/** Removes duplicates, ignoring case. Keeps the first spelling of each word. */
function distinct(words: readonly string[]): string[] {
  const firsts = new Map<string, string>();
  for (const word of words) {
    const key = word.toLowerCase();
    if (!firsts.has(key)) firsts.set(key, word);
  }
  return [...firsts.values()];
}

/** Returns the unknown words of a text as written, without duplicates. */
export function unknownWords(tokenizer: Pieces, text: string): string[] {
  const parts = text.split(/\s+/u).filter((part) => wordsOf(tokenizer.pieces(part)).some(isUnknown));
  return distinct(parts.map((part) => (part.replace(edges, "") || part).slice(0, maxWordShown)));
}

/** Warns about words that a vocabulary lacks: once per word, in at most five warnings. */
export class UnknownWords {
  readonly #tokenizer: Pieces;
  readonly #warn: (warning: Warning) => void;
  readonly #known = new Set<string>();
  #left = mostWarnings;

  constructor(tokenizer: Pieces, warn: (warning: Warning) => void) {
    this.#tokenizer = tokenizer;
    this.#warn = warn;
  }

  /**
   * Checks the texts of a call.
   * @param texts the cleaned texts @param piecesOf returns the tokens of a text, without special tokens
   */
  look(texts: readonly string[], piecesOf: (row: number) => readonly string[]): void {
    if (this.#left === 0) return;
    const concerned = texts.filter((_, row) => readsUnknownWords(piecesOf(row)));
    const words = concerned.flatMap((text) => this.#newWords(text));
    if (words.length === 0) return;
    this.#left -= 1;
    this.#warn(unknownWarning(words, concerned.length, texts.length, this.#left === 0));
  }

  #newWords(text: string): string[] {
    const words = unknownWords(this.#tokenizer, text).filter((word) => !this.#known.has(word.toLowerCase()));
    for (const word of words.slice(0, mostRemembered - this.#known.size)) this.#known.add(word.toLowerCase());
    return words;
  }
}

function unknownWarning(
  words: readonly string[],
  concerned: number,
  texts: number,
  isLast: boolean,
): Warning {
  const named = words.slice(0, mostNamed).map((word) => JSON.stringify(word));
  const more = words.length > mostNamed ? ` and ${words.length - mostNamed} more` : "";
  const where = texts > 1 ? `, in ${concerned} of ${texts} texts` : "";
  return unknownWordsWarning(`${named.join(", ")}${more}${where}`, isLast);
}
