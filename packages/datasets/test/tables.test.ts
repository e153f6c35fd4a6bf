// Reads a fixture of each known form of tables, and folders of images with texts.
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { imagePath, readDataset } from "@blip-ts/datasets/node";
import { examplesOf, fileWith, fixture, image, list } from "./support.ts";

describe("tables and folders", () => {
  test("CSV: quotes, lines within a field, a byte order mark, TSV", async () => {
    const rows = await examplesOf("retrieval", list("captions.csv"));
    expect(rows.map(({ captions, place }) => [place.at, captions[0]])).toEqual([
      [2, "a red square, alone"],
      [3, 'a "green" square\non two lines'],
      [6, "ein blaues Quadrat – blau"],
    ]);
    const tsv = await readDataset("caption", list("captions.tsv"));
    expect(tsv.description).toMatch(/^TSV, read as "table"/);
    expect(await examplesOf("caption", list("captions.tsv"))).toMatchObject([
      { captions: ["a red square"] },
      { captions: ["a green square"] },
    ]);
  });

  test("metadata.jsonl, alone or in a folder: paths start at its own folder", async () => {
    const alone = await examplesOf("retrieval", list("metadata.jsonl"));
    expect(alone.map(({ captions }) => captions)).toEqual([
      ["a red square"],
      ["a green square", "grünes Quadrat"],
    ]);
    const folder = fixture("metadata-folder");
    const dataset = await readDataset("retrieval", folder);
    expect(dataset).toMatchObject({ container: "jsonl", format: "table" });
    const [row] = await examplesOf("retrieval", folder);
    if (row?.image.kind !== "path") throw new Error("expected a path");
    expect(imagePath(row.image)).toBe(join(folder, "train", "0.png"));
  });

  test("a folder of images with .txt or .caption beside them: one caption per line", async () => {
    const folder = fixture("folder");
    const rows = await examplesOf("retrieval", folder);
    expect(rows.map(({ image: source, captions }) => [source, captions])).toEqual([
      [image("0.png", folder), ["a red square", "a square that is red"]],
      [image("1.png", folder), ["a green square", "grünes Quadrat"]],
      [image("2.png", folder), ["a blue square", "un carré bleu", 'a third text, "quoted"']],
      [image("sub/3.png", folder), ["a grey square"]],
    ]);
    expect(await examplesOf("pretrain", folder)).toHaveLength(8);
  });

  test("images that cannot be decoded or are broken links keep their rows; a broken text fails its row", async () => {
    const folder = await mkdtemp(join(tmpdir(), "folder-"));
    const names = ["a.JFIF", "b.heic", "c.bmp", "d.cr2", "e.png", "f.png", "notes.md"];
    for (const name of names.slice(0, 4)) await writeFile(join(folder, name), "");
    for (const stem of ["a", "b", "c", "d", "e"])
      await writeFile(join(folder, `${stem}.txt`), `text ${stem}`);
    await writeFile(join(folder, "f.png"), "");
    await symlink("nowhere", join(folder, "e.png"));
    await symlink("nowhere", join(folder, "f.txt"));
    const failed: string[] = [];
    const rows = await examplesOf("retrieval", folder, { onRowError: ({ code }) => failed.push(code) });
    expect(rows.map(({ image: source }) => source)).toEqual(
      names.slice(0, 5).map((name) => image(name, folder)),
    );
    expect(failed).toEqual(["dataset/unreadable"]);
    await rm(folder, { recursive: true });
  });

  test("one of several paths may have a folder of images of its own", async () => {
    const paths = [fileWith('[{"image": "a.png", "caption": "a"}]', "a.json"), list("captions.csv")];
    const [own = ""] = paths;
    const rows = await examplesOf("retrieval", paths, { imageRoot: { [own]: "elsewhere" } });
    expect(rows.map(({ image: source }) => source)).toEqual([
      image("a.png", "elsewhere"),
      ...(await examplesOf("retrieval", list("captions.csv"))).map(({ image: source }) => source),
    ]);
  });

  test("columns with other names can be named", async () => {
    const options = { columns: { image: "licence", captions: "file_name" } };
    const rows = await examplesOf("retrieval", list("captions.csv"), {
      ...options,
      onRowError: () => undefined,
    });
    expect(rows).toMatchObject([
      { image: image("cc0"), captions: ["images/0.png"] },
      { image: image("cc0"), captions: ["images/1.png"] },
    ]);
  });
});
