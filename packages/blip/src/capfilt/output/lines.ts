// Writes kept pairs as lines: metadata.jsonl or metadata.csv. Images embedded in the data are written next to the file.
import { closedBy } from "@blip-ts/base";
import { csvHead, csvLine, jsonLine } from "@blip-ts/datasets";
import { writeImage } from "./image-files.ts";
import {
  allColumns,
  partName,
  recordOf,
  rowName,
  rowsOfPart,
  type PairWriter,
  type Target,
} from "./pair-writer.ts";

/** @throws {UsageError} `capfilt/cannot-write` */
export async function lineWriter(form: "jsonl" | "csv", target: Target): Promise<PairWriter> {
  const { host, folder, columns } = target;
  const names = [...allColumns(columns).keys()];
  const file = await host.create(`${folder}/metadata.${form}`);
  if (form === "csv") await file.write(csvHead(names));
  return {
    async add(keptImage) {
      const { image } = keptImage.row;
      const value =
        image.kind === "bytes"
          ? await writeImage(
              target,
              image,
              `images/${partName(Math.floor(keptImage.n / rowsOfPart))}/${rowName(keptImage.n)}`,
            )
          : image.kind === "url"
            ? image.url
            : image.path;
      const records = keptImage.pairs.map((pair) => recordOf(keptImage, pair, columns, value));
      await file.write(
        records.map((record) => (form === "csv" ? csvLine(names, record) : jsonLine(record))).join(""),
      );
    },
    end: () => Promise.resolve(),
    ...closedBy(() => file.close()),
  };
}
