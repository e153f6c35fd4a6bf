// Determines the types of columns from all their values. Tables with types (Parquet) or a header (CSV) need them before
// the first row is written.
import { must } from "@blip-ts/base";
import { isImageStruct } from "./json.ts";

/** The type of a column. `image`: `{bytes, path}` as in the Hub's tables. `json`: any other or mixed values. */
export type ColumnKind =
  "boolean" | "int32" | "int64" | "double" | "text" | "time" | "bytes" | "image" | "json";

function kindOf(value: unknown): ColumnKind | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === "boolean") return "boolean";
  if (typeof value === "bigint") return "int64";
  if (typeof value === "string") return "text";
  if (typeof value === "number") {
    if (!Number.isSafeInteger(value)) return "double";
    return value === (value | 0) ? "int32" : "int64";
  }
  if (value instanceof Date) return "time";
  if (value instanceof Uint8Array) return "bytes";
  return isImageStruct(value) ? "image" : "json";
}

const numbers: readonly ColumnKind[] = ["int32", "int64", "double"];
const images: readonly ColumnKind[] = ["text", "bytes", "image"];

/** The narrowest kind that can hold values of both kinds. */
function joined(kind: ColumnKind, other: ColumnKind): ColumnKind {
  if (kind === other) return kind;
  const wider = Math.max(numbers.indexOf(kind), numbers.indexOf(other));
  if (numbers.includes(kind) && numbers.includes(other)) return must(numbers, wider);
  return images.includes(kind) && images.includes(other) && [kind, other].includes("image")
    ? "image"
    : "json";
}

/** The columns of rows, in order of first appearance. */
export class ColumnKinds {
  readonly #kinds = new Map<string, ColumnKind | undefined>();

  see(record: Readonly<Record<string, unknown>>): void {
    for (const [name, value] of Object.entries(record)) {
      const [before, own] = [this.#kinds.get(name), kindOf(value)];
      this.#kinds.set(name, before && own ? joined(before, own) : (before ?? own));
    }
  }

  /** A column without any value counts as text. */
  get kinds(): ReadonlyMap<string, ColumnKind> {
    return new Map([...this.#kinds].map(([name, kind]) => [name, kind ?? "text"]));
  }
}
