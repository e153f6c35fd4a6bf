// Rows of images and texts for a command: JSON lines, a JSON list, CSV, a stream.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { pairRows, readPairs, type PairError, type PairRow } from "@blip-ts/datasets/node";
import { all, chunks, encoded, isError, list, pairsOf, refusal } from "./support.ts";

/** A short form of a row. */
const short = (row: PairRow | PairError) =>
  isError(row)
    ? [row.row, row.place.at, row.error.code]
    : [
        row.row,
        row.place.at,
        row.images.map((image) => (image.kind === "path" ? image.path : image.kind)),
        row.texts,
        row.fields,
      ];

const expected = [
  [0, 1, ["images/0.png"], ["a red square"], { label: 1, note: "kept" }],
  [1, 3, ["images/1.png"], ["a red square"], { label: 0 }],
  [2, 4, "dataset/bad-row"],
  [3, 5, "dataset/bad-row"],
  [4, 6, "dataset/bad-json"],
  [5, 7, ["images/3.png"], ["a grey square"], { label: true }],
];

describe("the same rows", () => {
  test("as JSON lines, from a path and from a stream in any chunks", async () => {
    const path = list("pairs.jsonl");
    expect((await all(readPairs(path))).map(short)).toEqual(expected);
    for (const size of [1, 2, 63, 4096])
      expect((await pairsOf(readFileSync(path), {}, size)).map(short)).toEqual(expected);
    expect((await pairsOf(gzipSync(readFileSync(path)))).map(short)).toEqual(expected);
  });

  test("as a JSON list: a wrong element is an error, and the others are read", async () => {
    const text =
      '[{"image": "a.png", "text": "t", "n": [1, {"x": "]"}]},\n {"image": "a.png", "text": oops}, 7, {"image": "b.png", "text": "\\u0074\\"}"}]';
    for (const size of [1, 5, 1000])
      expect((await pairsOf(text, {}, size)).map(short)).toEqual([
        [0, 0, ["a.png"], ["t"], { n: [1, { x: "]" }] }],
        [1, 1, "dataset/bad-json"],
        [2, 2, "dataset/bad-row"],
        [3, 3, ["b.png"], ['t"}'], {}],
      ]);
  });

  test("as CSV, TSV and with semicolons", async () => {
    const rows = [
      ["image", "text", "note"],
      ["a.png", '"one, ""two"""', "n"],
      ["b.png", "", "no text"],
      ["c.png", "three", ""],
    ];
    for (const separator of [",", "\t", ";"])
      expect(
        (await pairsOf(`\ufeff${rows.map((row) => row.join(separator)).join("\r\n")}\r\n`)).map(short),
      ).toEqual([
        [0, 2, ["a.png"], ['one, "two"'], { note: "n" }],
        [1, 3, "dataset/bad-row"],
        [2, 4, ["c.png"], ["three"], {}],
      ]);
  });

  test("CSV: a row that is not UTF-8 is its own error", async () => {
    const bytes = Buffer.from("image,text\na.png,good\nb.png,Stra\xdfe 1\nc.png,good\n", "latin1");
    expect((await pairsOf(bytes)).map(short)).toEqual([
      [0, 2, ["a.png"], ["good"], {}],
      [1, 3, "dataset/encoding"],
      [2, 4, ["c.png"], ["good"], {}],
    ]);
  });
});

describe("the fields of a row", () => {
  test("two images and a statement, as a list or as two columns", async () => {
    const options = { images: { min: 2, max: 2 } };
    const text =
      '{"images": ["a.png", "b.png"], "statement": "s"}\n{"left": "a.png", "right": "b.png", "statement": "s"}\n{"image": "a.png", "statement": "s"}';
    const rows = await pairsOf(text, options);
    expect(rows.map(short)).toEqual([
      [0, 1, ["a.png", "b.png"], ["s"], {}],
      [1, 2, ["a.png", "b.png"], ["s"], {}],
      [2, 3, "dataset/bad-row"],
    ]);
    const last = rows[2];
    if (last === undefined || !isError(last)) throw new Error("expected an error");
    expect(last.error.message).toMatch(/rows, line 3: expected 2 images in "images", "image".*got 1/);
    expect(last.fields).toEqual({ image: "a.png", statement: "s" });
  });

  test("an image without a text if none is needed; several texts", async () => {
    expect((await pairsOf('{"image": "a.png"}', { texts: { min: 0, max: 1 } })).map(short)).toEqual([
      [0, 1, ["a.png"], [], {}],
    ]);
    expect(
      (await pairsOf('{"image": "a.png", "texts": ["a", "b"]}', { texts: { min: 1, max: 9 } })).map(short),
    ).toEqual([[0, 1, ["a.png"], ["a", "b"], {}]]);
    expect((await refusal(() => pairsOf("[]", { texts: { min: 2, max: 1 } }))).code).toBe(
      "dataset/bad-option",
    );
  });

  test("columns with other names", async () => {
    const options = { imageColumns: ["photo"], textColumns: ["alt", "title"], texts: { min: 1, max: 2 } };
    expect((await pairsOf("photo,alt,title,text\na.png,x,y,z\n", options)).map(short)).toEqual([
      [0, 2, ["a.png"], ["x", "y"], { text: "z" }],
    ]);
    const [row] = await pairsOf('{"image": "a.png", "text": "t"}', options);
    expect(row).toMatchObject({ error: { code: "dataset/bad-row" } });
  });

  test("paths outside the folder only if the caller trusts the list", async () => {
    const text = '{"image": "/data/a.png", "text": "t"}\n{"image": "../b.png", "text": "t"}';
    expect((await pairsOf(text)).map(short)).toEqual([
      [0, 1, "dataset/outside-root"],
      [1, 2, "dataset/outside-root"],
    ]);
    expect((await pairsOf(text, { allowOutside: true })).every((row) => !isError(row))).toBe(true);
  });

  test("a row's prototype is never read", async () => {
    const [row] = await pairsOf('{"__proto__": {"image": "a.png"}, "text": "t"}');
    expect(row).toMatchObject({ error: { code: "dataset/bad-row" } });
    const [own] = await pairsOf('{"image": "a.png"}', { textColumns: ["toString"] });
    expect(own).toMatchObject({ error: { code: "dataset/bad-row" } });
    const [kept] = await pairsOf('{"image": "a.png", "text": "t", "constructor": 1}');
    expect(kept).toMatchObject({ fields: { constructor: 1 } });
  });
});

describe("unreadable inputs", () => {
  test.each<[string, string | Uint8Array, string, RegExp]>([
    ["nothing", "", "dataset/unknown-format", /an empty file/],
    ["no rows", "[]", "dataset/bad-row", /at least one row/],
    ["a header alone", "image,text\n", "dataset/bad-row", /at least one row/],
    ["one object over lines", '{\n"image": "a.png"\n}', "dataset/unknown-format", /got one JSON object/],
    ["a table of Parquet", "PAR1xxxxxxxxxxxx", "dataset/unknown-format", /got parquet/],
    ["an image", Buffer.from("\x89PNG\r\n", "latin1"), "dataset/unknown-format", /a PNG image/],
    [
      "UTF-16",
      Buffer.from("\ufeffimage,text\n", "utf16le"),
      "dataset/encoding",
      /UTF-16 text, little-endian/,
    ],
    ["a list that is cut", '[{"image": "a.png", "text": "t"}, {"ima', "dataset/truncated", /to its end/],
    [
      "a quote that stays open",
      'image,text\na.png,t\nb.png,"t\n',
      "dataset/damaged",
      /a quote that is never closed/,
    ],
  ])("%s", async (_, content, code, message) => {
    const error = await refusal(() => pairsOf(content));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
  });

  test("a form other than the named one", async () => {
    expect(await refusal(() => pairsOf("image,text\na,b\n", { format: "jsonl" }))).toMatchObject({
      code: "dataset/wrong-format",
    });
  });

  test("CSV without a parser", async () => {
    const run = () => all(pairRows(chunks(encoded("image,text\na,b\n"), 4), { name: "rows" }, undefined));
    expect(await refusal(run)).toMatchObject({ code: "dataset/unsupported" });
  });

  test("a line and an element that are too long are their own errors", async () => {
    const long = `{"image": "a.png", "text": "${"x".repeat(500)}"}`;
    const good = '{"image": "a.png", "text": "t"}';
    const limits = { rowBytes: 100 };
    for (const text of [`${good}\n${long}\n${good}`, `[${good}, ${long}, ${good}]`])
      expect((await pairsOf(text, { limits })).map((row) => isError(row) && row.error.code)).toEqual([
        false,
        "dataset/too-large",
        false,
      ]);
  });
});

test("rows of a slow stream are read as they are written", async () => {
  let release: (() => void) | undefined;
  const waiting = new Promise<void>((resolve) => {
    release = resolve;
  });
  async function* slow() {
    yield encoded('{"image": "a.png", "text": "first"}\n');
    await waiting;
    yield encoded('{"image": "b.png", "text": "second"}\n');
  }
  const rows = readPairs(slow(), { name: "standard input" });
  expect((await rows.next()).value).toMatchObject({ texts: ["first"] });
  release?.();
  expect((await rows.next()).value).toMatchObject({
    texts: ["second"],
    place: { file: "standard input", at: 2 },
  });
});

test("a reader that stops closes the stream", async () => {
  let closed = false;
  async function* source() {
    try {
      for (;;) {
        await Promise.resolve();
        yield encoded('{"image": "a.png", "text": "t"}\n');
      }
    } finally {
      closed = true;
    }
  }
  for await (const row of readPairs(source())) if (row.row === 3) break;
  expect(closed).toBe(true);
});
