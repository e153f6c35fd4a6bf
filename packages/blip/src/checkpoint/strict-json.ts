// JSON.parse keeps the last of two equal keys without a word, and nests as deep as the text does.
// This reader walks the text once beside it: depth is bounded, an object that repeats a key is found.

export type StrictJson =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly reason: string; readonly duplicate?: string };

/**
 * Parses JSON, refusing repeated keys and more than `maxDepth` levels. Never throws.
 * @param text the whole text
 * @param maxDepth levels of objects and arrays
 */
export function parseStrictJson(text: string, maxDepth: number): StrictJson {
  const walk = walkKeys(text, maxDepth);
  if (walk.tooDeep) return { ok: false, reason: `it nests deeper than ${maxDepth} levels` };
  try {
    const value: unknown = JSON.parse(text);
    if (walk.duplicate === undefined) return { ok: true, value };
    return { ok: false, reason: "a key is repeated", duplicate: walk.duplicate };
  } catch {
    return { ok: false, reason: "it is not valid JSON" };
  }
}

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]/gsu;

/** Looks at strings and brackets only; what it says holds for valid JSON, and it ends on any text. */
function walkKeys(text: string, maxDepth: number): { tooDeep: boolean; duplicate?: string } {
  const levels: (Set<string> | undefined)[] = [];
  let isKey = false;
  let duplicate: string | undefined;
  for (const [token] of text.matchAll(TOKEN)) {
    if (token === "{" || token === "[") {
      if (levels.length === maxDepth) return { tooDeep: true };
      levels.push(token === "{" ? new Set() : undefined);
      isKey = token === "{";
    } else if (token === "}" || token === "]") {
      levels.pop();
      isKey = false;
    } else if (token === ",") {
      isKey = levels.at(-1) !== undefined;
    } else if (token === ":") {
      isKey = false;
    } else if (isKey) {
      const keys = levels.at(-1);
      const key = unquote(token);
      if (keys?.has(key) === true) duplicate ??= key;
      keys?.add(key);
    }
  }
  return duplicate === undefined ? { tooDeep: false } : { tooDeep: false, duplicate };
}

function unquote(token: string): string {
  try {
    return String(JSON.parse(token));
  } catch {
    return token;
  }
}
