// CapFilt from each form of data to each: kept texts and all columns are there, and go in again.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readDataset } from "@blip-ts/datasets/node";
import { capfilt, outputFormats } from "blip-ts/train";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { arrayOf } from "../../testing/src/index.ts";
import { collected, webRowsOf } from "./support/capfilt.ts";
import { fixture } from "./support/goldens.ts";

const both = fixture("tiny/pretrain-original");
const quiet = { onWarning: () => undefined };

let root: string;
let data: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "blip-capfilt-forms-"));
  data = await collected(join(root, "data"), 10);
});
afterAll(() => rm(root, { recursive: true, force: true }));

let count = 0;
const fresh = () => join(root, `out-${count++}`);

describe("forms", () => {
  const shards = fixture("datasets/shards");
  const inputs: readonly (readonly [string, string])[] = [
    ["jsonl", ""],
    ["folder", fixture("datasets/folder")],
    ["parquet", fixture("datasets/parquet/img2dataset.parquet")],
    ["webdataset", shards],
  ];

  test.each(inputs)(
    "%s in: every form out has every kept text and column",
    async (_, given) => {
      const path = given === "" ? data : given;
      const wanted = await webRowsOf(path);
      const texts = wanted.flatMap((row) => row.texts.map((text) => text.trim())).sort();
      for (const format of outputFormats) {
        const out = fresh();
        const report = await capfilt(path, out, { captioner: both, threshold: 0, format, html: 2, ...quiet });
        // Images are copied into shards and folders; elsewhere paths stay as they were.
        const copied = format === "webdataset" || format === "folder";
        const imageRoot = copied ? undefined : (report.imageRoot ?? undefined);
        const kept = await webRowsOf(join(out, "kept"), imageRoot);
        const drawn = wanted.length;
        expect(kept.flatMap((row) => row.texts)).toHaveLength(texts.length + drawn);
        const web = kept.flatMap((row) =>
          row.texts.filter((_, index) => {
            const { capfilt_kind: kind, capfilt: list } = row.fields;
            return (kind ?? (list as { capfilt_kind: string }[])[index]?.capfilt_kind) === "web";
          }),
        );
        expect(web.map((text) => text.trim()).sort()).toEqual(texts);
        // What the rows said besides is there, under its name.
        const columns = [...new Set(wanted.flatMap((row) => Object.keys(row.fields)))];
        const found = new Set(kept.flatMap((row) => Object.keys(row.fields)));
        expect(columns.filter((column) => !found.has(column) && column !== "__key__")).toEqual([]);
        // Training reads each pair.
        const reading = imageRoot === undefined ? {} : { imageRoot };
        const { examples } = await readDataset("pretrain", join(out, "kept"), reading);
        expect(await arrayOf(examples)).toHaveLength(texts.length + drawn);
        // It goes in again: its images can be read, and its columns are kept once more.
        const twice = await capfilt(join(out, "kept"), fresh(), {
          ...{ captioner: both, threshold: 0, html: 0, reader: reading },
          ...quiet,
        });
        expect(twice).toMatchObject({
          failed: { count: 0 },
          format,
        });
      }
    },
    60_000,
  );
});
