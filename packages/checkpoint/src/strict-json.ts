// JSON.parse keeps the last of two equal keys without a word, nests as deep as the text does, and makes as many objects
// as it says. A walk over the text comes first: depth and number of values are bounded, repeated keys are found.
import { nextTurn } from "@blip-ts/base";

export type StrictJson =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly reason: string; readonly duplicate?: string };

export interface JsonLimits {
  /** Levels of objects and arrays. */
  readonly depth: number;
  /** Values: members of objects and elements of arrays. */
  readonly items: number;
  /** Refuses an object that has a key twice; without it the last one counts, as in Python. */
  readonly uniqueKeys?: boolean;
}

/** Characters from which on a text is looked at and parsed in two turns of the event loop. */
const longText = 2 ** 20;

/**
 * Parses JSON, refusing what is above the limits, and repeated keys if so told, before any value is made. Never throws.
 * The caller bounds the text's length: one of 4 MB takes some 50 ms, in two turns of the event loop.
 */
export async function parseStrictJson(text: string, limits: JsonLimits): Promise<StrictJson> {
  const { refusal, duplicate } = walk(text, limits);
  if (refusal !== undefined) return { ok: false, reason: refusal };
  if (text.length > longText) await nextTurn();
  try {
    const value: unknown = JSON.parse(text);
    if (duplicate === undefined) return { ok: true, value };
    return { ok: false, reason: "a key is repeated", duplicate };
  } catch (error) {
    const detail = error instanceof Error ? `: ${error.message.split("\n", 1).join("").slice(0, 200)}` : "";
    return { ok: false, reason: `it is not valid JSON${detail}` };
  }
}

interface Walk {
  refusal?: string;
  duplicate?: string;
}

/** Looks at strings and punctuation only; what it says holds for valid JSON, and it ends on any text. */
function walk(text: string, limits: JsonLimits): Walk {
  /** The keys of each open object; `undefined` for an open array. */
  const levels: (Set<string> | undefined)[] = [];
  const result: Walk = {};
  let items = 0;
  let keyIsNext = false;
  for (let at = 0; at < text.length; at++) {
    switch (text.charAt(at)) {
      case "{":
      case "[":
        if (levels.length === limits.depth) return { refusal: `it nests deeper than ${limits.depth} levels` };
        keyIsNext = limits.uniqueKeys === true && text[at] === "{";
        levels.push(keyIsNext ? new Set() : undefined);
        items++;
        break;
      case "}":
      case "]":
        levels.pop();
        keyIsNext = false;
        break;
      case ",":
        keyIsNext = levels.at(-1) !== undefined;
        items++;
        break;
      case ":":
        keyIsNext = false;
        break;
      case '"': {
        const end = endOfString(text, at);
        const keys = keyIsNext ? levels.at(-1) : undefined;
        if (keys !== undefined) {
          const key = unquote(text.slice(at, end));
          if (keys.has(key)) result.duplicate ??= key;
          keys.add(key);
        }
        at = end - 1;
        break;
      }
    }
    if (items > limits.items) return { refusal: `it holds more than ${limits.items} values` };
  }
  return result;
}

/** The place behind the closing quote of the string that opens at `start`, or the end of the text. */
function endOfString(text: string, start: number): number {
  for (let quote = text.indexOf('"', start + 1); quote !== -1; quote = text.indexOf('"', quote + 1)) {
    let escapes = 0;
    while (text[quote - 1 - escapes] === "\\") escapes++;
    if (escapes % 2 === 0) return quote + 1;
  }
  return text.length;
}

function unquote(token: string): string {
  try {
    return String(JSON.parse(token));
  } catch {
    return token;
  }
}
