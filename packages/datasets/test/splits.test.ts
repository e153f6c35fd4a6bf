// The option `split`: the rows of a file by their field `split`, the files of a folder by their names.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import {
  csvHead,
  csvLine,
  ParquetRows,
  readDataset,
  readWebRows,
  tarEnd,
  tarMembers,
  type Task,
} from "@blip-ts/datasets/node";
import { all, examplesOf, fileWith, fixture, folderWith, list, refusal } from "./support.ts";

const splits = ["train", "val", "val", "test", "train"];
const records = splits.map((split, n) => ({ image: `${n}.png`, text: `text ${n}`, split }));
const columns = ["image", "text", "split"];

async function tableOf(rows: readonly Readonly<Record<string, unknown>>[]) {
  const table = new ParquetRows(new Map(Object.keys(rows[0] ?? {}).map((name) => [name, "text"] as const)));
  return Buffer.concat([await table.group(rows), await table.end()]);
}

const png = readFileSync(fixture("images/0.png"));

async function shardOf(rows: typeof records) {
  const members = rows.flatMap(({ text, split }, n) => [
    { name: `${n}.png`, body: png },
    { name: `${n}.json`, body: JSON.stringify({ text, split }) },
  ]);
  return Buffer.concat([await tarMembers(members), tarEnd]);
}

/** The same rows in each container. */
const files: readonly (readonly [string, () => Promise<string> | string])[] = [
  ["CSV", () => fileWith(csvHead(columns) + records.map((row) => csvLine(columns, row)).join(""))],
  ["a JSON list", () => fileWith(JSON.stringify(records))],
  ["JSON lines", () => fileWith(records.map((row) => JSON.stringify(row)).join("\n"))],
  ["gzip", () => fileWith(gzipSync(JSON.stringify(records)))],
  ["Parquet", async () => fileWith(await tableOf(records))],
  ["a shard", async () => fileWith(await shardOf(records), "0.tar")],
];

test("images named train and test are no splits; their folders may be", async () => {
  const beside = (name: string) => ({ [`${name}.png`]: png, [`${name}.txt`]: name });
  const plain = folderWith({ ...beside("train"), ...beside("test") });
  expect(await examplesOf("caption", plain)).toHaveLength(2);
  const folders = folderWith({ ...beside("train/a"), ...beside("test/b"), ...beside("test/c") });
  expect(await examplesOf("caption", folders, { split: "test" })).toHaveLength(2);
  expect(await refusal(() => examplesOf("caption", folders))).toMatchObject({
    code: "dataset/ambiguous-format",
  });
});

describe("rows with a field split", () => {
  test.each(files)("%s: the rows of the split alone", async (_, write) => {
    const path = await write();
    const texts = async (split?: string) =>
      (await examplesOf("retrieval", path, split === undefined ? {} : { split })).map(
        ({ captions }) => captions[0],
      );
    expect(await texts()).toHaveLength(5);
    expect(await texts("val")).toEqual(["text 1", "text 2"]);
    expect(await texts("test")).toEqual(["text 3"]);
    const { parts } = await readDataset("retrieval", path, { split: "val" });
    expect(parts).toHaveLength(1);
    const unknown = await refusal(() => readDataset("retrieval", path, { split: "dev" }));
    expect(unknown).toMatchObject({ code: "dataset/bad-row" });
    expect(unknown.message).toContain(
      'expected rows of the split "dev", got "train", "val", "test". Name one',
    );
    const web = await readWebRows(path, { split: "val" });
    const rows = await all(web.rows());
    expect(rows).toMatchObject([{ fields: { split: "val" } }, { fields: { split: "val" } }]);
    expect(await refusal(() => readWebRows(path, { split: "dev" }))).toMatchObject({
      code: "dataset/bad-row",
    });
  });

  test("a row without its split is an error of that row", async () => {
    const path = fileWith(JSON.stringify([{ image: "a.png", text: "a" }, ...records]));
    const errors: string[] = [];
    const onRowError = ({ message }: Error) => errors.push(message);
    expect(await examplesOf("retrieval", path, { split: "val", onRowError })).toHaveLength(2);
    expect(errors).toEqual([
      expect.stringMatching(/index 0: field "split": expected a text, got nothing/) as string,
    ]);
  });

  test("A-OKVQA's lists have the field", async () => {
    const path = list("aokvqa_v1p0_val.json");
    expect(await examplesOf("vqa", path, { split: "val" })).toHaveLength(1);
    expect((await refusal(() => readDataset("vqa", path, { split: "test" }))).message).toContain('got "val"');
  });
});

describe("data without splits refuse the option by its name", () => {
  test.each<[Task, string, string]>([
    ["caption", "captions.csv", "CSV"],
    ["retrieval", "coco_karpathy_val.json", "a JSON list"],
    ["retrieval", "metadata.jsonl", "JSON lines"],
    ["retrieval", "captions_val2014.json", 'a JSON document, read as "coco"'],
    ["references", "coco_karpathy_val_gt.json", 'a JSON document, read as "coco"'],
    ["vqa", "v2_questions.json", 'a JSON document, read as "vqa"'],
    ["match", "sugarcrepe_add_att.json", 'a JSON document, read as "sugarcrepe"'],
  ])("%s: %s", async (task, name, what) => {
    const refused = await refusal(() => readDataset(task, list(name), { split: "val" }));
    expect(refused).toMatchObject({ code: "dataset/bad-option" });
    expect(refused.message).toContain(
      `split: expected none for ${name} (${what}), which has no rows with a field "split", got "val". Leave it out`,
    );
  });

  test("Parquet, a shard, a file of one line, and rows to clean", async () => {
    const line = fileWith('{"image":"a.png","text":"a"}\n', "one.jsonl");
    const table = fixture("parquet/snappy.parquet");
    for (const path of [table, fixture("shards/00000.tar"), line]) {
      const refused = await refusal(() => readDataset("retrieval", path, { split: "val" }));
      expect(refused.message).toMatch(/^split: expected none for /);
      expect((await refusal(() => readWebRows(path, { split: "val" }))).message).toBe(refused.message);
    }
  });

  test("a folder's files have their splits in their names, not in their rows", async () => {
    const rows = [{ file_name: "a.png", text: "a", split: "other" }];
    const lines = rows.map((row) => JSON.stringify(row)).join("\n");
    const folder = folderWith({ "val/metadata.jsonl": lines, "test/metadata.jsonl": lines });
    expect(await examplesOf("caption", folder, { split: "val" })).toHaveLength(1);
    expect(await refusal(() => readDataset("caption", folder, { split: "other" }))).toMatchObject({
      code: "dataset/unknown-format",
      message: expect.stringMatching(/the splits "val", "test"|the splits "test", "val"/) as string,
    });
  });
});

test("tables have every field of the same rows as JSON: false captions, patches and domains too", async () => {
  const lists = { false_captions: ["a dog", "two cats"], patches: [0, "cat", null] };
  const fields = { ...lists, domain: "near-domain" };
  const rows = ["text", "alt", "caption"].map((name) => ({ image: "a.png", [name]: "a cat", ...fields }));
  for (const [row, columns] of [[rows[0]], [rows[1], { captions: "alt" }], [rows[2]]] as const) {
    const kinds = Object.keys(row ?? {}).map(
      (name) => [name, Object.hasOwn(lists, name) ? "json" : "text"] as const,
    );
    const table = new ParquetRows(new Map(kinds));
    const parquet = fileWith(Buffer.concat([await table.group([row ?? {}]), await table.end()]));
    const json = fileWith(JSON.stringify([row]));
    for (const task of ["retrieval", "pretrain", "caption"] as const) {
      const options = { imageRoot: "/images", ...(columns && { columns }) };
      const [found] = await examplesOf(task, parquet, options);
      const [expected] = await examplesOf(task, json, options);
      if (task === "caption") expect(found).toMatchObject({ domain: fields.domain });
      else expect(found).toMatchObject({ falseCaptions: fields.false_captions });
      if (task === "pretrain") expect(found).toMatchObject({ patches: fields.patches });
      expect({ ...found, place: undefined }).toEqual({ ...expected, place: undefined });
    }
  }
});

test("a table's domain may be absent, as in NoCaps' own lists", async () => {
  const lines = ["a.png,a cat,near-domain", "b.png,a dog,"];
  const rows = await examplesOf("caption", fileWith(["image,text,domain", ...lines].join("\n")));
  expect(rows.map(({ domain }) => domain)).toEqual(["near-domain", undefined]);
});
