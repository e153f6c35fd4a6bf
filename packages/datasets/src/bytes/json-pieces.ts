// Splits a file into pieces of JSON, and parses pieces into records.
import { badDocument, badJson, badRow, described } from "../errors.ts";
import type { Bytes } from "../files.ts";
import type { Place } from "../place.ts";
import { messageOf } from "./errors-of.ts";
import { JsonSplitter, type JsonPiece, type SplitLimits } from "./json-splitter.ts";
import { unmarked } from "./lines.ts";

export type JsonRecord = Readonly<Record<string, unknown>>;

export const isRecord = (value: unknown): value is JsonRecord =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);

/** @throws {InputError} `dataset/bad-json`, `dataset/truncated`, `dataset/encoding` */
export async function* jsonPieces(
  name: string,
  bytes: Bytes,
  limits: SplitLimits,
): AsyncGenerator<JsonPiece> {
  const splitter = new JsonSplitter(name, limits);
  for await (const chunk of unmarked(name, bytes)) {
    const pieces: JsonPiece[] = [];
    try {
      splitter.push(chunk, pieces);
    } catch (error) {
      yield* pieces;
      throw error;
    }
    yield* pieces;
  }
  splitter.end();
}

/** @throws {InputError} `dataset/bad-json` */
export function parseValue(place: Place, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw badJson(place, messageOf(error));
  }
}

/** @throws {InputError} `dataset/bad-json`, `dataset/bad-row` */
export function parseRecord(place: Place, text: string): JsonRecord {
  const value = parseValue(place, text);
  if (!isRecord(value)) throw badRow(place, "an object with fields", described(value));
  return value;
}

/** The nesting depth of brackets outside of strings. */
export function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (inString) {
      if (char === "\\") at++;
      else if (char === '"') inString = false;
    } else if (char === '"') inString = true;
    else if (char === "{" || char === "[") deepest = Math.max(deepest, ++depth);
    else if (char === "}" || char === "]") depth--;
  }
  return deepest;
}

export const notAList = (place: Place, description: string) => badDocument(place, "a JSON list", description);
