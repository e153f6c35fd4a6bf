// Rows with all their columns, and files that are written from them and read again.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  ColumnKinds,
  csvHead,
  csvLine,
  jsonLine,
  ParquetRows,
  plainValue,
  readWebRows,
  tarEnd,
  tarMembers,
  type WebRow,
  type WebRowsOptions,
} from "@blip-ts/datasets/node";
import { all, examplesOf, fileWith, fixture, folderWith, pairsOf, refusal } from "./support.ts";

async function rowsOf(path: string, options: WebRowsOptions = {}): Promise<WebRow[]> {
  const data = await readWebRows(path, options);
  return (await all(data.rows())).map((row) => {
    if ("error" in row) throw row.error;
    return row;
  });
}

const png = readFileSync(fixture("images/0.png"));

describe("other columns of a row", () => {
  test("is kept: JSON lines, a JSON list, CSV", async () => {
    const record = {
      image: "a.png",
      caption: "a dog",
      site: "https://x.org/?a=1",
      n: 7,
      tags: ["a", { b: 1 }],
    };
    const { image, caption, ...others } = record;
    for (const text of [jsonLine(record), JSON.stringify([record]), JSON.stringify([record], undefined, 2)]) {
      const path = fileWith(text, "rows.json");
      expect(await rowsOf(path)).toMatchObject([
        { image: { kind: "path", path: image }, texts: [caption], fields: others },
      ]);
    }
    const columns = ["image", "caption", "site", "n", "tags", "none"];
    const csv = fileWith(csvHead(columns) + csvLine(columns, record), "rows.csv");
    const [row] = await rowsOf(csv);
    expect(row?.fields).toEqual({ site: record.site, n: "7", tags: JSON.stringify(record.tags) });
  });

  test("shards: members that are neither image nor text nor JSON are kept, JSON fields are columns", async () => {
    const members = [
      { name: "a/1.png", body: png },
      { name: "a/1.seg.png", body: png },
      { name: "a/1.txt", body: "a dog" },
      { name: "a/1.json", body: JSON.stringify({ url: "https://x.org", key: "000", width: 3 }) },
      { name: "a/1.cls", body: "7" },
      { name: "a/2.png", body: png },
    ];
    const bytes = await tarMembers(members);
    const path = fileWith(Buffer.concat([bytes, tarEnd]), "0.tar");
    const [first, second] = await rowsOf(path);
    expect(first).toMatchObject({ texts: ["a dog"], image: { kind: "bytes", name: "a/1.png" } });
    expect(Object.keys(first?.fields ?? {}).sort()).toEqual([
      ".cls",
      "__key__",
      "key",
      "seg",
      "url",
      "width",
    ]);
    expect(first?.fields[".cls"]).toEqual(new TextEncoder().encode("7"));
    // An image without a text is also a row.
    expect(second).toMatchObject({ texts: [], fields: { __key__: "a/2" } });
  });

  test("folders: fields of the .json beside an image; an image without a text is a row", async () => {
    const path = folderWith({
      ...{ "a.png": png, "a.txt": "one\n\ntwo\n", "a.json": '{"site":"x","image":"other"}' },
      ...{ "sub/b.png": png, "c.png": png, "c.json": "[1]" },
    });
    const data = await readWebRows(path);
    const rows = await all(data.rows());
    expect(rows).toMatchObject([
      { image: { path: "a.png" }, texts: ["one", "two"], fields: { site: "x" } },
      { error: { code: "dataset/bad-row" } },
      { image: { path: "sub/b.png" }, texts: [], fields: {} },
    ]);
    expect(data).toMatchObject({ container: "image-folder", imageColumn: "image" });
  });

  test("texts of later rows are read if the first rows have none, and are not passed through as fields", async () => {
    const records = Array.from({ length: 20 }, (_, n) => ({
      image: `${n}.png`,
      ...(n > 17 && { caption: `text ${n}` }),
    }));
    const columns = ["image", "caption"];
    const csv = csvHead(columns) + records.map((row) => csvLine(columns, row)).join("");
    const folder = folderWith({
      ...Object.fromEntries(records.map((_, n) => [`${String(n).padStart(2, "0")}.png`, png])),
      "19.txt": "text 19",
    });
    for (const path of [
      fileWith(records.map(jsonLine).join(""), "rows.jsonl"),
      fileWith(csv, "rows.csv"),
      folder,
    ]) {
      const rows = await rowsOf(path);
      expect([rows[0]?.texts, rows[19]?.texts]).toEqual([[], ["text 19"]]);
      expect(rows[19]?.fields).toEqual({});
    }
    const named = await rowsOf(fileWith(csv, "rows.csv"), { columns: { captions: "caption" } });
    expect(named[19]?.texts).toEqual(["text 19"]);
  });

  test("CSV: each line may end in another way", async () => {
    const rows = await rowsOf(fileWith('image,caption\na.png,x\r\nb.png,"y\r\nz"\rc.png,w', "rows.csv"));
    expect(rows.map(({ texts }) => texts)).toEqual([["x"], ["y\r\nz"], ["w"]]);
  });

  test("shards: the members of a sample are limited together", async () => {
    const many = Array.from({ length: 6 }, (_, n) => ({ name: `a.${n}.png`, body: png }));
    const good = { name: "0.0.png", body: png };
    const path = fileWith(Buffer.concat([await tarMembers([good, ...many]), tarEnd]), "0.tar");
    const errorOf = async (limits: NonNullable<WebRowsOptions["limits"]>) => {
      const [, row] = await all((await readWebRows(path, { columns: { image: "0" }, limits })).rows());
      return row && "error" in row ? row.error.message : undefined;
    };
    expect(await errorOf({})).toBeUndefined();
    expect(await errorOf({ imageBytes: png.length })).toContain(
      `expected the bytes of all members of at most ${4 * png.length}, got ${5 * png.length}.`,
    );
    expect(await errorOf({ columns: 5 })).toContain("expected a number of members of at most 5, got 6.");
  });

  test("a folder with metadata is read as such, whatever images it contains", async () => {
    const path = folderWith({
      "a.png": png,
      "metadata.jsonl": '{"file_name":"a.png","text":"a dog","x":1}\n',
    });
    expect(await readWebRows(path)).toMatchObject({
      container: "jsonl",
      imageColumn: "file_name",
      textColumn: "text",
    });
  });
});

describe("texts", () => {
  test("may be missing or blank; lists keep their order; a value that is not a text fails only its row", async () => {
    const texts = ['"a"', "null", '"  "', '["b","","c"]', "7", '["d",8]'];
    const lines = texts.map((text, n) => `{"image":"${n}.png","caption":${text}}`);
    const data = await readWebRows(fileWith(lines.join("\n"), "rows.jsonl"));
    const rows = await all(data.rows());
    expect(rows.map((row) => ("error" in row ? row.error.message : row.texts))).toEqual([
      ["a"],
      [],
      [],
      ["b", "c"],
      expect.stringMatching(
        /line 5: field "caption": expected a text or a list of texts, got a number \(7\)/,
      ),
      expect.stringMatching(/line 6: field "caption/),
    ]);
  });
});

describe("columns", () => {
  const path = () =>
    fileWith('{"photo":"a.png","alt":"a dog","image":"b.png","caption":"no"}\n', "rows.jsonl");

  test("are named by the caller; a missing one is rejected with the existing ones", async () => {
    const [row] = await rowsOf(path(), { columns: { image: "photo", captions: "alt" } });
    expect(row).toMatchObject({
      ...{ image: { path: "a.png" }, texts: ["a dog"] },
      fields: { image: "b.png", caption: "no" },
    });
    const refused = await refusal(() => readWebRows(path(), { columns: { image: "foto" } }));
    expect(refused).toMatchObject({ code: "dataset/bad-column" });
    expect(refused.message).toMatch(
      /expected a column "foto" \(image\), got "photo", "alt", "image", "caption"/,
    );
    const none = fileWith('{"a":1}\n', "rows.jsonl");
    expect((await refusal(() => readWebRows(none))).message).toMatch(/columns: .* image: "NAME"/);
  });

  test.each([
    ["caption", "captions"],
    ["text", "texts"],
  ])("of both %s and %s, every reader takes the first", async (name, plural) => {
    for (const image of ["image", "file_name"]) {
      const row = { [plural]: ["of", "many"], [name]: "the one", [image]: "a.png" };
      const file = fileWith(jsonLine(row), "rows.jsonl");
      const own = ["the one"];
      expect((await rowsOf(file)).map(({ texts }) => texts)).toEqual([own]);
      expect((await examplesOf("pretrain", file)).map(({ caption }) => caption)).toEqual(own);
      for (const task of ["retrieval", "caption"] as const)
        expect((await examplesOf(task, file)).map(({ captions }) => captions)).toEqual([own]);
      expect(await pairsOf(jsonLine(row))).toMatchObject([{ texts: own }]);
    }
  });

  test("too many of them fail their row", async () => {
    const many = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`c${n}`, n]));
    const file = fileWith(jsonLine({ image: "a.png", ...many }), "rows.jsonl");
    const data = await readWebRows(file, { limits: { columns: 10 } });
    expect(await all(data.rows())).toMatchObject([{ error: { code: "dataset/too-large" } }]);
    expect(await refusal(() => readWebRows(file, { limits: { columns: 0 } }))).toMatchObject({
      code: "dataset/bad-option",
    });
  });
});

describe("written files", () => {
  const rows = [
    {
      image: { bytes: new Uint8Array(png), path: "a.png" },
      caption: 'a "dog", one\nline',
      ...{ whole: 1, large: 2n ** 40n, part: 0.5, yes: true, when: new Date(86_400_000) },
      ...{ list: ["a", { b: 1 }], mixed: 1, raw: new Uint8Array([1, 2]), none: null },
    },
    { image: { bytes: new Uint8Array(png), path: null }, caption: "é", whole: 2 ** 33, part: 3, mixed: "x" },
  ];

  test("Parquet keeps types and nulls, group by group; images are structs as on the Hub", async () => {
    const kinds = new ColumnKinds();
    for (const row of rows) kinds.see(row);
    expect(Object.fromEntries(kinds.kinds)).toEqual({
      ...{ image: "image", caption: "text", whole: "int64", large: "int64", part: "double", yes: "boolean" },
      ...{ when: "time", list: "json", mixed: "json", raw: "bytes", none: "text" },
    });
    const table = new ParquetRows(kinds.kinds);
    const parts = [];
    for (const row of rows) parts.push(await table.group([row]));
    parts.push(await table.end());
    const [first, second] = await rowsOf(fileWith(Buffer.concat(parts), "a.parquet"));
    expect(first).toMatchObject({ image: { kind: "bytes", name: "a.png" }, texts: [rows[0]?.caption] });
    expect(first?.fields).toEqual({
      ...{ whole: 1n, large: 2n ** 40n, part: 0.5, yes: true, when: new Date(86_400_000) },
      ...{ list: ["a", { b: 1 }], mixed: 1, raw: new Uint8Array([1, 2]) },
    });
    expect(second?.fields).toEqual({ whole: 2n ** 33n, part: 3, mixed: "x" });
    if (second?.image.kind === "bytes") expect(Buffer.from(second.image.bytes)).toEqual(png);
    else expect.fail("the second image is no bytes");
  });

  test("JSON has every value: large numbers as text, times, bytes as Base64", () => {
    const value = {
      a: 2n ** 60n,
      b: 5n,
      c: new Date(0),
      d: [new Uint8Array([255])],
      e: new Date(NaN),
      f: null,
    };
    expect(plainValue(value)).toEqual({
      ...{ a: "1152921504606846976", b: 5, c: "1970-01-01T00:00:00.000Z", d: ["/w=="], e: null, f: null },
    });
  });

  test("CSV: quotes, separators, line ends, blanks at the ends come back unchanged", async () => {
    const texts = ['say "a"', "a,b", "a\nb\r\nc", " a ", "a;b\tc", "é"];
    const columns = ["image", "caption", "extra"];
    const lines = texts.map((text) => csvLine(columns, { image: "a.png", caption: text, extra: text }));
    const found = await rowsOf(fileWith(csvHead(columns) + lines.join(""), "rows.csv"));
    expect(found.map((row) => row.texts)).toEqual(texts.map((text) => [text]));
    expect(found.map(({ fields }) => fields.extra)).toEqual(texts);
  });

  test("the same members give the same tar", async () => {
    const members = [{ name: "0.txt", body: "a" }];
    const path = join(folderWith({ "x.txt": "" }), "x.tar");
    writeFileSync(path, Buffer.concat([await tarMembers(members), tarEnd]));
    expect(readFileSync(path)).toEqual(Buffer.concat([await tarMembers(members), tarEnd]));
    expect(readFileSync(path).length).toBe(512 + 512 + 1024);
  });
});
