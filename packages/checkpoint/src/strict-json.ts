// JSON.parse silently keeps the last of two equal keys, and has no limit on nesting or on the number of objects. So a
// scan of the text comes first: it limits depth and number of values, and finds repeated keys.
import { nextTurn } from "@blip-ts/base";

export type StrictJson =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly reason: string; readonly duplicate?: string };

export interface JsonLimits {
  /** The most nesting levels of objects and arrays. */
  readonly depth: number;
  /** The most values: members of objects and elements of arrays. */
  readonly items: number;
  /** Refuses an object with a repeated key. Otherwise the last one counts, as in Python. */
  readonly uniqueKeys?: boolean;
}

/** Longer texts, in characters, are scanned and parsed in two turns of the event loop. */
const longText = 2 ** 20;

/**
 * Parses JSON. It checks the limits, and repeated keys if requested, before it makes any value. It never throws. The
 * caller limits the text's length: 4 MB take some 50 ms, in two turns of the event loop.
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

/** Scans strings and punctuation only. The result is meaningful for valid JSON; the scan ends on any text. */
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
    if (items > limits.items) return { refusal: `it has more than ${limits.items} values` };
  }
  return result;
}

/** The index after the closing quote of the string that opens at `start`; the end of the text if it has none. */
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
