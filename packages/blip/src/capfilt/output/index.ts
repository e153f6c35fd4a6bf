import type { OutputFormat } from "../options.ts";
import { folderWriter } from "./folder.ts";
import { lineWriter } from "./lines.ts";
import type { PairWriter, Target } from "./pair-writer.ts";
import { shardWriter } from "./shards.ts";
import { tableWriter } from "./tables.ts";

export type { KeptImage, KeptPair, OutputColumns, PairWriter, Provenance, Target } from "./pair-writer.ts";

/** Opens the writer of a format. @throws {UsageError} `capfilt/cannot-write` */
export async function openWriter(format: OutputFormat, target: Target): Promise<PairWriter> {
  switch (format) {
    case "jsonl":
    case "csv":
      return lineWriter(format, target);
    case "parquet":
      return tableWriter(target);
    case "webdataset":
      return shardWriter(target);
    case "folder":
      return folderWriter(target);
  }
}
