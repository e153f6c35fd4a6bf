// Writes kept pairs as a folder of images, like img2dataset's `files`: next to each image, a .txt with one kept text
// per line, and a .json with the row's other columns and the provenance of each text.
import { closedBy } from "@blip-ts/base";
import { plainValue } from "@blip-ts/datasets";
import { writeFile, writeImage } from "./image-files.ts";
import { partName, rowName, rowsOfPart, type PairWriter, type Target } from "./pair-writer.ts";

/** Puts a text on one line, because a line break ends a text in the .txt file. */
const oneLine = (text: string): string => text.replace(/\s+/gu, " ").trim();

export function folderWriter(target: Target): PairWriter {
  return {
    async add({ n, row, pairs }) {
      const stem = `${partName(Math.floor(n / rowsOfPart))}/${rowName(n)}`;
      await writeImage(target, row.image, stem);
      const record = {
        ...row.fields,
        capfilt: pairs.map(({ text, provenance }) => ({ text, ...provenance })),
      };
      await writeFile(target, `${stem}.json`, `${JSON.stringify(plainValue(record), undefined, 1)}\n`);
      await writeFile(target, `${stem}.txt`, pairs.map(({ text }) => `${oneLine(text)}\n`).join(""));
    },
    end: () => Promise.resolve(),
    ...closedBy(() => Promise.resolve()),
  };
}
