// Golden sums of labels and pixels, and files in each form that the readers of packages/datasets accept.
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readDataset, type PretrainExample, type Task } from "@blip-ts/datasets/node";
import { vqaAccuracy } from "@blip-ts/metrics";
import sharp from "sharp";
import { afterAll, describe, expect, test } from "vitest";
import { catalogue } from "../art/catalogue.ts";
import { blankSprites } from "../art/sprites.ts";
import { Drawer } from "../draw/draw.ts";
import { readPanoramas } from "../draw/photo.ts";
import { sceneSource } from "../scene/sample.ts";
import { make, type MakeOptions } from "./make.ts";
import { rowsOf, taskNames, type TaskName } from "./rows.ts";

const folders = mkdtempSync(join(tmpdir(), "world-"));
afterAll(() => rmSync(folders, { recursive: true }));

const options = (task: TaskName, more: Partial<MakeOptions> = {}): MakeOptions => ({
  ...{
    world: "full",
    split: "S0",
    task,
    count: 12,
    first: 0,
    each: 2,
    plain: false,
    falseCaptions: 0,
    seed: 5,
    size: 32,
  },
  ...{
    out: join(folders, `${task}-${Object.values(more).join("-")}`),
    format: "png",
    form: "list",
    blind: true,
  },
  ...more,
});

describe("the same options give the same", () => {
  test.each(taskNames)("labels: %s", (task) => {
    const rows = rowsOf(
      sceneSource("full", task === "match" || task === "retrieval" ? "S0" : "train", 3),
      options(task),
    );
    const sum = createHash("sha256");
    for (const { record } of rows) sum.update(JSON.stringify(record));
    expect(sum.digest("hex").slice(0, 16)).toMatchSnapshot();
  });

  test("pixels, with ellipses instead of art", async () => {
    const source = sceneSource("full", "train", 3);
    const drawer = new Drawer(catalogue(), blankSprites, await readPanoramas(), 64);
    const sums = Array.from({ length: 8 }, (_, number) =>
      createHash("sha256")
        .update(drawer.canvas(source.scene(number)).data)
        .digest("hex")
        .slice(0, 16),
    );
    expect(sums).toMatchSnapshot();
    expect(new Set(sums).size).toBe(8);
  });
});

const readers: readonly (readonly [task: TaskName, reader: Task])[] = [
  ["caption", "caption"],
  ["retrieval", "retrieval"],
  ["match", "match"],
  ["vqa", "vqa"],
  ["nlvr", "nlvr"],
  ["web", "match"],
  ["web", "pretrain"],
  ["pretrain", "pretrain"],
];

async function examples(reader: Task, path: string): Promise<unknown[]> {
  const list: unknown[] = [];
  for await (const example of (await readDataset(reader, path)).examples) list.push(example);
  return list;
}

describe("written data are read again", () => {
  test.each(readers)("%s as a list, by the reader of %s", async (task, reader) => {
    const report = await make(options(task, { out: join(folders, `list-${task}-${reader}`) }));
    const read = await examples(reader, report.path);
    const all = task === "pretrain" ? report.rows * 2 : report.rows;
    expect(read).toHaveLength(all);
  });

  test.each(readers.filter(([task]) => task !== "match"))(
    "%s as shards, by the reader of %s",
    async (task, reader) => {
      const out = join(folders, `shards-${task}-${reader}`);
      const report = await make(options(task, { out, split: "train", form: "shards" }));
      const read = await examples(reader, report.path);
      expect(read).toHaveLength(task === "pretrain" ? report.rows * 2 : report.rows);
    },
  );

  test("a list of questions has one image for all questions of a scene", async () => {
    const { path, rows } = await make(options("vqa", { out: join(folders, "questions") }));
    expect(rows).toBeGreaterThan(12);
    expect(readdirSync(join(path, "../images/000"))).toHaveLength(12);
  });

  test("false captions are grouped by the kind of change", async () => {
    const { path } = await make(options("match", { out: join(folders, "edits") }));
    const [first] = await examples("match", path);
    expect(first).toMatchObject({ matches: [[true, false]], group: expect.any(String) as string });
  });

  test("several captions per scene are in separate shards", async () => {
    const out = join(folders, "copies");
    const { path } = await make(options("pretrain", { out, split: "train", form: "shards", each: 3 }));
    expect(readdirSync(path)).toEqual(["0-000000.tar", "1-000000.tar", "2-000000.tar"]);
    const parts = await Promise.all(
      [0, 1, 2].map((copy) => examples("pretrain", join(path, `${copy}-000000.tar`))),
    );
    const captions = parts.map((part) => part.map((example) => (example as PretrainExample).caption));
    expect(captions.map(({ length }) => length)).toEqual([12, 12, expect.any(Number)]);
    for (const [index, first] of (captions[0] ?? []).entries()) expect(captions[1]?.[index]).not.toBe(first);
    const bytesOf = (part: unknown[] = []) =>
      part.slice(0, 2).map((example) => ((example as PretrainExample).image as { bytes?: unknown }).bytes);
    expect(bytesOf(parts[1])).toEqual(bytesOf(parts[0]));
  });

  test("rows of training have false captions, and the true ones stay the same", async () => {
    const made = (falseCaptions: number) =>
      options("pretrain", { out: join(folders, `false-${falseCaptions}`), split: "train", falseCaptions });
    const [without, withSome] = await Promise.all(
      [0, 3].map(async (count) => examples("pretrain", (await make(made(count))).path)),
    );
    const all = (withSome ?? []) as PretrainExample[];
    expect(all.map(({ caption }) => caption)).toEqual(
      (without ?? []).map((example) => (example as PretrainExample).caption),
    );
    expect((without ?? []).some((example) => Object.hasOwn(example as object, "falseCaptions"))).toBe(false);
    for (const { caption, falseCaptions = [] } of all) {
      expect(falseCaptions.length).toBeGreaterThan(0);
      expect(new Set(falseCaptions).size).toBe(falseCaptions.length);
      expect(falseCaptions).not.toContain(caption);
    }
  });

  test("blind images are one grey", async () => {
    const { path } = await make(options("caption", { out: join(folders, "blind") }));
    const file = join(path, "../images/000/000000.png");
    const { channels } = await sharp(file).stats();
    for (const { min, max } of channels.slice(0, 3)) expect([min, max]).toEqual([128, 128]);
  });
});

test("the same options write the same bytes; a folder with files is rejected", async () => {
  const [first, second] = ["once", "twice"].map((name) =>
    options("web", { out: join(folders, name), form: "shards" }),
  );
  if (!first || !second) return expect.fail("two");
  const [a, b] = [await make(first), await make(second)];
  expect([b.labels, b.pixels]).toEqual([a.labels, a.pixels]);
  const tar = "shards/000000.tar";
  expect(readFileSync(join(second.out, tar))).toEqual(readFileSync(join(first.out, tar)));
  await expect(make(first)).rejects.toThrow("expected an empty or new folder, got files");
});

test("in tests, a right answer has the full accuracy of VQA", () => {
  const rows = [...rowsOf(sceneSource("full", "S0", 3), options("vqa", { count: 150, each: 3 }))];
  const questions = rows.map(({ record }) => {
    const answers = record.answers as readonly string[];
    return { answer: answers[0] ?? "", answers };
  });
  expect(questions.length).toBeGreaterThan(400);
  expect(vqaAccuracy(questions).overall).toBe(100);
});
