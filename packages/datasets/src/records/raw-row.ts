// The rows of a container: records or errors, with their places.
import { InputError } from "@blip-ts/base";
import { depthOf, jsonPieces, parseRecord, type JsonRecord } from "../bytes/json-pieces.ts";
import { readLines } from "../bytes/lines.ts";
import { badDocument, tooDeep } from "../errors.ts";
import type { Bytes } from "../files.ts";
import type { DatasetLimits } from "../limits.ts";
import { wholeFile, type Place } from "../place.ts";

export type RawRow =
  | { readonly place: Place; readonly record: JsonRecord }
  | { readonly place: Place; readonly error: InputError };

function parsed(place: Place, text: string): RawRow {
  try {
    return { place, record: parseRecord(place, text) };
  } catch (error) {
    if (error instanceof InputError) return { place, error };
    throw error;
  }
}

/** The rows of a JSON list of objects. @throws {InputError} if the list itself is broken */
export async function* jsonListRows(
  name: string,
  bytes: Bytes,
  limits: DatasetLimits,
): AsyncGenerator<RawRow> {
  for await (const piece of jsonPieces(name, bytes, limits)) {
    if (piece.kind === "error") yield piece;
    else if (piece.kind === "element" && piece.section === undefined) yield parsed(piece.place, piece.text);
    else throw badDocument(wholeFile(name), "a JSON list of objects", "an object");
  }
}

/** The rows of JSON lines, one object per line. */
export async function* jsonLineRows(
  name: string,
  bytes: Bytes,
  limits: DatasetLimits,
): AsyncGenerator<RawRow> {
  for await (const line of readLines(name, bytes, limits.rowBytes)) {
    if ("error" in line) yield line;
    else if (depthOf(line.text) > limits.depth)
      yield { place: line.place, error: tooDeep(line.place, limits.depth) };
    else yield parsed(line.place, line.text);
  }
}
