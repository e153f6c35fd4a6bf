// The types of forms. A record form reads one row from any container (a JSON list, lines, a table, a shard). A document
// form reads a JSON object with several related parts.
import type { JsonPiece } from "../bytes/json-splitter.ts";
import type { JsonRecord } from "../bytes/json-pieces.ts";
import type { InputError } from "@blip-ts/base";
import type { ExampleOf, Task } from "../examples.ts";
import type { Row, RowContext } from "../row.ts";

export type FormatName =
  | "karpathy"
  | "karpathy-split"
  | "coco"
  | "nocaps"
  | "blip-vqa"
  | "vqa"
  | "aokvqa"
  | "blip-nlvr"
  | "nlvr2"
  | "msrvtt"
  | "msrvtt-json"
  | "msrvtt-csv"
  | "winoground"
  | "aro"
  | "aro-order"
  | "sugarcrepe"
  | "pretrain"
  | "table";

type Awaitable<T> = T | Promise<T>;

export interface RecordFormat<T extends Task> {
  readonly name: FormatName;
  /** A description of the fields, for people. */
  readonly what: string;
  fits(record: JsonRecord): boolean;
  /** @throws {InputError} the error of the row */
  read(row: Row): Awaitable<readonly ExampleOf<T>[]>;
}

/** The start of a document: its keys, and the first record under each. */
export interface DocumentStart {
  readonly keys: readonly string[];
  readonly records: ReadonlyMap<string, JsonRecord>;
}

/** A document, whose pieces can be read repeatedly. */
export interface JsonDocument {
  readonly name: string;
  readonly size: number;
  pieces(): AsyncIterable<JsonPiece>;
}

export type Outcome<E> = { readonly example: E } | { readonly error: InputError };

export interface DocumentContext {
  readonly row: RowContext;
  /** The second file, if the form has two. */
  readonly annotations: JsonDocument | undefined;
  readonly split: string | undefined;
}

export interface DocumentFormat<T extends Task> {
  readonly name: FormatName;
  readonly what: string;
  /** Whether the form has splits, one of which the option `split` selects. */
  readonly hasSplits?: true;
  fits(start: DocumentStart): boolean;
  read(document: JsonDocument, context: DocumentContext): AsyncIterable<Outcome<ExampleOf<T>>>;
}

export const hasAll = (record: JsonRecord, fields: readonly string[]): boolean =>
  fields.every((field) => Object.hasOwn(record, field));

export const hasAny = (record: JsonRecord, fields: readonly string[]): boolean =>
  fields.some((field) => Object.hasOwn(record, field));
