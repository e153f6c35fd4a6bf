// Writes kept pairs as Parquet files. Images embedded in the data remain in the table, as {bytes, path}.
import { closedBy } from "@blip-ts/base";
import { ParquetRows } from "@blip-ts/datasets";
import type { KeptImage, PairWriter, Target } from "./pair-writer.ts";
import { allColumns, recordOf } from "./pair-writer.ts";
import { Parts } from "./parts.ts";

/** The maximum numbers of rows and of image bytes per row group. img2dataset writes 100 rows. */
const [groupRows, groupBytes] = [100, 32 << 20];

function imageOf({ row: { image } }: KeptImage, kind: "text" | "image"): unknown {
  if (image.kind === "bytes") return { bytes: image.bytes, path: image.name };
  const path = image.kind === "url" ? image.url : image.path;
  return kind === "image" ? { path } : path;
}

export function tableWriter(target: Target): PairWriter {
  const { columns } = target;
  const kinds = allColumns(columns);
  const parts = new Parts(target, "parquet");
  let table: ParquetRows | undefined;
  let waiting: Record<string, unknown>[] = [];
  let bytes = 0;
  const flush = async () => {
    if (waiting.length === 0) return;
    table ??= new ParquetRows(kinds);
    await parts.write(await table.group(waiting), waiting.length);
    [waiting, bytes] = [[], 0];
  };
  const end = async () => {
    await flush();
    if (table) await parts.write(await table.end(), 0);
    table = undefined;
    await parts.next();
  };
  return {
    async add(keptImage) {
      const image = imageOf(keptImage, columns.imageKind);
      const own = keptImage.row.image.kind === "bytes" ? keptImage.row.image.bytes.length : 0;
      for (const pair of keptImage.pairs) {
        waiting.push(recordOf(keptImage, pair, columns, image));
        bytes += own;
        if (waiting.length >= groupRows || bytes >= groupBytes) await flush();
        if (parts.isFull) await end();
      }
    },
    end,
    ...closedBy(() => parts.close()),
  };
}
