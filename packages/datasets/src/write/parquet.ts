// Writes rows as a Parquet file, one group of rows at a time. Each step returns bytes to append to the file.
import { must } from "@blip-ts/base";
import { ByteWriter, ParquetWriter, type SchemaElement } from "hyparquet-writer";
import type { ColumnKind } from "./column-kinds.ts";
import { isImageStruct, plainValue } from "./json.ts";

type Leaf = Pick<SchemaElement, "type" | "converted_type">;

const leaves: Readonly<Record<Exclude<ColumnKind, "image">, Leaf>> = {
  boolean: { type: "BOOLEAN" },
  int32: { type: "INT32" },
  int64: { type: "INT64" },
  double: { type: "DOUBLE" },
  text: { type: "BYTE_ARRAY", converted_type: "UTF8" },
  time: { type: "INT64", converted_type: "TIMESTAMP_MILLIS" },
  bytes: { type: "BYTE_ARRAY" },
  json: { type: "BYTE_ARRAY", converted_type: "JSON" },
};

function elementsOf(name: string, kind: ColumnKind): SchemaElement[] {
  if (kind !== "image") return [{ name, repetition_type: "OPTIONAL", ...leaves[kind] }];
  return [
    { name, repetition_type: "OPTIONAL", num_children: 2 },
    { name: "bytes", repetition_type: "OPTIONAL", ...leaves.bytes },
    { name: "path", repetition_type: "OPTIONAL", ...leaves.text },
  ];
}

/** Converts a value to hyparquet-writer's form for a column kind. */
function valueOf(kind: ColumnKind, value: unknown): unknown {
  if (value === undefined || value === null) return undefined;
  if (kind === "int64") return typeof value === "number" ? BigInt(value) : value;
  if (kind === "double") return Number(value);
  if (kind === "json") return plainValue(value);
  if (kind !== "image") return value;
  if (typeof value === "string") return { path: value };
  if (value instanceof Uint8Array) return { bytes: value };
  return isImageStruct(value)
    ? { bytes: value.bytes ?? undefined, path: value.path ?? undefined }
    : undefined;
}

/** A Parquet file with columns of known kinds. The result of each call must be appended to the previous ones. */
export class ParquetRows {
  readonly #columns: readonly (readonly [name: string, kind: ColumnKind])[];
  readonly #bytes = new ByteWriter();
  readonly #writer: ParquetWriter;

  constructor(columns: ReadonlyMap<string, ColumnKind>) {
    this.#columns = [...columns];
    const elements = this.#columns.map(([name, kind]) => elementsOf(name, kind));
    const schema = [{ name: "root", num_children: elements.length }, ...elements.flat()];
    this.#writer = new ParquetWriter({ writer: this.#bytes, schema, createdBy: "blip-ts" });
  }

  /** Writes a group of rows. @param records at least one; only this file's columns are used */
  async group(records: readonly Readonly<Record<string, unknown>>[]): Promise<Uint8Array> {
    const columnData = this.#columns.map(([name, kind]) => ({
      name,
      data: records.map((record) => valueOf(kind, Object.hasOwn(record, name) ? record[name] : undefined)),
      // Images are already compressed, and no query searches for their bytes.
      ...(kind === "image" || kind === "bytes" ? { codec: "UNCOMPRESSED" as const, statistics: false } : {}),
    }));
    must(records, 0, "rows of a group");
    await this.#writer.write({ columnData, rowGroupSize: records.length });
    return this.#taken();
  }

  /** Writes the end of the file. */
  async end(): Promise<Uint8Array> {
    await this.#writer.finish();
    return this.#taken();
  }

  #taken(): Uint8Array {
    const bytes = this.#bytes.getBytes().slice();
    this.#bytes.index = 0;
    return bytes;
  }
}
