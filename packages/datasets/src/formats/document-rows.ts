// The rows of the lists in a JSON document.
import { InputError } from "@blip-ts/base";
import { parseRecord } from "../bytes/json-pieces.ts";
import { tooLarge } from "../errors.ts";
import { wholeFile } from "../place.ts";
import { Row, type RowContext } from "../row.ts";
import type { JsonDocument, Outcome } from "./format.ts";

export type SectionRow =
  { readonly section: string; readonly row: Row } | { readonly section: string; readonly error: InputError };

/**
 * The records of the named lists, in the file's order. Other parts of the document are skipped.
 * @throws {InputError} if the document itself is broken
 */
export async function* sectionRows(
  document: JsonDocument,
  sections: readonly string[],
  context: RowContext,
): AsyncGenerator<SectionRow> {
  let section = "";
  for await (const piece of document.pieces()) {
    if (piece.kind === "section") section = piece.section;
    else if (piece.kind === "error") {
      if (sections.includes(section)) yield { section, error: piece.error };
    } else if (piece.kind === "element" && piece.section !== undefined && sections.includes(piece.section)) {
      try {
        yield {
          section: piece.section,
          row: new Row(piece.place, parseRecord(piece.place, piece.text), context),
        };
      } catch (error) {
        yield { section: piece.section, error: inputError(error) };
      }
    }
  }
}

/** Returns an input error; throws any other error. */
export function inputError(error: unknown): InputError {
  if (error instanceof InputError) return error;
  throw error;
}

/** The outcome of reading one row: examples, or the row's error. */
export async function outcomes<E>(
  read: () => readonly E[] | Promise<readonly E[]>,
): Promise<readonly Outcome<E>[]> {
  try {
    return (await read()).map((example) => ({ example }));
  } catch (error) {
    return [{ error: inputError(error) }];
  }
}

/** @throws {InputError} `dataset/too-large` */
export function checkDocument(document: JsonDocument, context: RowContext): void {
  const limit = context.limits.documentBytes;
  if (document.size > limit)
    throw tooLarge(
      wholeFile(document.name),
      "the bytes of a JSON document",
      document.size,
      limit,
      "documentBytes",
    );
}

/** @throws {InputError} `dataset/too-large` */
export function checkJoined(document: JsonDocument, count: number, context: RowContext): void {
  const limit = context.limits.joinedRows;
  if (count > limit)
    throw tooLarge(wholeFile(document.name), "a number of joined rows", count, limit, "joinedRows");
}
