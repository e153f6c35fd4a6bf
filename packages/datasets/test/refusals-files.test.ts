// The errors of files and folders: what they are, their encoding, their ends, their limits.
import { readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  readAnswerList,
  readDataset,
  readWebRows,
  type DatasetOptions,
  type PathOptions,
} from "@blip-ts/datasets/node";
import {
  all,
  aro,
  examplesOf,
  fileWith,
  folderWith,
  karpathy,
  linesOf,
  list,
  listOf,
  refusal,
  type Json,
} from "./support.ts";

describe("files", () => {
  test("missing, a folder instead of a file, a pipe", async () => {
    expect(await refusal(() => readDataset("caption", "nowhere.json"))).toMatchObject({
      code: "dataset/not-found",
    });
    expect(await refusal(() => readAnswerList(folderWith({})))).toMatchObject({
      code: "dataset/not-found",
      message: expect.stringContaining("it is a folder") as string,
    });
    expect(await refusal(() => readDataset("caption", "/dev/null"))).toMatchObject({
      message: expect.stringContaining("not a regular file") as string,
    });
  });

  test.each<[string, string | Uint8Array, RegExp]>([
    ["empty", "", /an empty file/],
    ["blank lines", "\n \n", /blank lines/],
    ["a JPEG", new Uint8Array([0xff, 0xd8, 0xff, 0xe0]), /a JPEG image/],
    ["a ZIP", "PK\x03\x04rest", /a ZIP archive \(unpack it\)/],
    ["an LFS pointer", "version https://git-lfs.github.com/spec/v1\n", /a Git LFS pointer/],
    ["a pickle", new Uint8Array([0x80, 4, 0x95]), /a Python pickle \(which is never run\)/],
    ["noise", new Uint8Array([1, 2, 3, 200, 9]), /bytes that are not text/],
    ["an object of nothing known", '{"a": {"b": 1}}', /a JSON object with "a"|JSON lines with "a"/],
    ["a list of nothing known", '[{"a": 1, "b": 2}]', /a JSON list with "a", "b"/],
    ["a table of nothing known", "a,b\n1,2\n", /CSV with "a", "b"/],
  ])("%s: what was found, and the forms that are known", async (_, content, found) => {
    const error = await refusal(() => readDataset("retrieval", fileWith(content)));
    expect(error.code).toBe("dataset/unknown-format");
    expect(error.message).toMatch(found);
    expect(error.message).toContain('"karpathy" (Karpathy\'s split');
    expect(error.message).toContain('"coco" (COCO\'s annotations');
  });

  test("rows that fit two forms are ambiguous", async () => {
    const path = listOf({ ...aro, caption_options: ["t", "f"] });
    const error = await refusal(() => readDataset("match", path));
    expect(error).toMatchObject({ code: "dataset/ambiguous-format" });
    expect(error.message).toMatch(/"aro" .*"aro-order".*Name one with "format"/);
    expect((await readDataset("match", path, { format: "aro" })).format).toBe("aro");
  });

  test("a named form that the file does not have", async () => {
    const wrong = (options: PathOptions) =>
      refusal(() => readDataset("retrieval", list("coco_karpathy_val.json"), options));
    expect(await wrong({ format: "parquet" })).toMatchObject({ code: "dataset/wrong-format" });
    expect((await wrong({ format: "coco" })).message).toMatch(/expected the form "coco" .*got a JSON list/);
    expect(await wrong({ format: "blip-vqa" })).toMatchObject({ code: "dataset/bad-option" });
    expect(await wrong({ limits: { rowBytes: 0 } })).toMatchObject({ code: "dataset/bad-option" });
  });

  test.each<[string, Uint8Array, RegExp]>([
    [
      "UTF-16 with a mark",
      Buffer.from("\ufeff[]", "utf16le"),
      /UTF-16 text, little-endian \(by its byte order mark\)/,
    ],
    ["UTF-16 without", Buffer.from('[{"image": "a.jpg"}]', "utf16le"), /every second byte is NUL/],
    [
      "UTF-16, the other way",
      Buffer.from('[{"image": "a.jpg"}]', "utf16le").swap16(),
      /UTF-16 text, big-endian/,
    ],
    ["UTF-32", Buffer.from([0xff, 0xfe, 0, 0, 0x5b, 0, 0, 0]), /UTF-32/],
    [
      "Latin-1",
      Buffer.from('[{"image": "a.jpg", "caption": "Stra\xdfe"}]', "latin1"),
      /index 0: .*the byte 0xDF at 35, as in Latin-1/,
    ],
    ["NUL", Buffer.from('[{"image": "a.jpg", "caption": "a\0"}]'), /index 0: .*a NUL character/],
  ])("%s is refused by name", async (_, content, found) => {
    const error = await refusal(() => examplesOf("retrieval", fileWith(content)));
    expect(error.code).toBe("dataset/encoding");
    expect(error.message).toMatch(found);
    expect(error.message).toContain("Save the file as UTF-8.");
  });

  test("a UTF-8 byte order mark is skipped", async () => {
    const text = readFileSync(list("coco_karpathy_val.json"), "utf8");
    expect(await examplesOf("retrieval", fileWith(`\ufeff${text}`))).toHaveLength(2);
    expect(await examplesOf("retrieval", fileWith("\ufeffimage,text\na.jpg,b\n"))).toHaveLength(1);
  });

  test("a list that is cut, or broken between its rows, after the whole rows", async () => {
    const text = readFileSync(list("coco_karpathy_val.json"), "utf8");
    for (const [content, code] of [
      [text.slice(0, -40), "dataset/truncated"],
      [text.replace("}, {", "} {"), "dataset/bad-json"],
      [`${text}x`, "dataset/bad-json"],
      [text.replace('"]}]', '"]},]'), "dataset/bad-json"],
    ] as const) {
      const path = fileWith(content);
      const seen: unknown[] = [];
      const dataset = await readDataset("retrieval", path);
      const error = await refusal(async () => {
        for await (const row of dataset.examples) seen.push(row);
      });
      expect(error.code).toBe(code);
      expect(seen.length).toBeGreaterThan(0);
    }
  });

  test("rows that are too long or too deep are bounded, and the others are read", async () => {
    const deep: Json = JSON.parse(`${"[".repeat(40)}${"]".repeat(40)}`) as Json;
    for (const path of [
      listOf(karpathy, { ...karpathy, extra: "x".repeat(3000) }, { ...karpathy, extra: deep }, karpathy),
      linesOf(karpathy, { ...karpathy, extra: "x".repeat(3000) }, { ...karpathy, extra: deep }, karpathy),
    ]) {
      const codes: string[] = [];
      const rows = await examplesOf("retrieval", path, {
        limits: { rowBytes: 2000 },
        onRowError: ({ code }) => codes.push(code),
      });
      expect(rows).toHaveLength(2);
      expect(codes).toEqual(["dataset/too-large", "dataset/too-deep"]);
    }
  });

  test("CSV: an invalid header, too many or few fields, an unclosed quote, a record that is too long", async () => {
    const read = (content: string, options: DatasetOptions = {}) =>
      refusal(() => examplesOf("retrieval", fileWith(content), options));
    expect((await read("image,,text\na.jpg,,b\n")).message).toMatch(
      /line 1: expected a name for each column in the first line, got none for column 2/,
    );
    expect((await read("image,text,text\n")).message).toContain('"text" for two columns');
    expect((await read("image,text\n")).message).toContain("expected at least one row");
    expect((await read("image,text\na.jpg,b\na.jpg,b,c\n")).message).toMatch(
      /line 3: expected 2 fields \("image", "text"\), got 3/,
    );
    expect((await read('image,text\na.jpg,b\na.jpg,"b\nc.jpg,d\n')).message).toMatch(
      /line 3: .*a quote that is never closed/,
    );
    const long = await read(`image,text\na.jpg,b\na.jpg,${"x".repeat(200)}\n`, { limits: { rowBytes: 100 } });
    expect(long).toMatchObject({ code: "dataset/too-large" });
    const many = await read(`image,text\na.jpg,b\n${"a,".repeat(200)}\n`, { limits: { rowBytes: 100 } });
    expect(many).toMatchObject({ code: "dataset/too-large" });
  });

  test("CSV: the rows before a broken quote are read", async () => {
    const seen: unknown[] = [];
    const dataset = await readDataset(
      "retrieval",
      fileWith('image,text\na.jpg,b\nb.jpg,stray " quote\nc.jpg,"d\n'),
    );
    await refusal(async () => {
      for await (const { captions } of dataset.examples) seen.push(captions[0]);
    });
    expect(seen).toEqual(["b", 'stray " quote']);
  });

  test("the list of answers", async () => {
    const read = (content: string) => refusal(() => readAnswerList(fileWith(content)));
    expect((await read('["a", 1]')).message).toMatch(/index 1: expected an answer, got a number/);
    expect((await read('["a", "a"]')).message).toContain("expected each answer once");
    expect((await read("[]")).message).toContain("got an empty list");
    expect((await read('{"a": ["b"]}')).message).toContain("expected a JSON list of answers, got an object");
    expect(await read('["a"')).toMatchObject({ code: "dataset/truncated" });
  });
});

describe("folders", () => {
  const png = "\x89PNG\r\n";

  test("empty, unknown, an image without a text, several files of metadata", async () => {
    expect((await refusal(() => readDataset("caption", folderWith({})))).message).toContain(
      "got an empty folder",
    );
    const unknown = await refusal(() => readDataset("caption", folderWith({ "a.png": png, "b.doc": "x" })));
    expect(unknown).toMatchObject({ code: "dataset/unknown-format" });
    expect(unknown.message).toMatch(/got a folder with "a.png", "b.doc".*metadata.jsonl or metadata.csv/);
    const part = folderWith({ "a.png": png, "a.txt": "a", "b.png": png });
    expect((await refusal(() => examplesOf("caption", part))).message).toMatch(
      /b.png: expected a .txt or .caption file/,
    );
    expect(await examplesOf("caption", part, { onRowError: () => undefined })).toHaveLength(1);
    const rows = '{"file_name": "a.png", "text": "a"}';
    const two = folderWith({ "train/metadata.jsonl": rows, "test/metadata.jsonl": rows });
    expect(await refusal(() => readDataset("caption", two))).toMatchObject({
      code: "dataset/ambiguous-format",
    });
    expect(await examplesOf("caption", two, { split: "test" })).toHaveLength(1);
    const both = folderWith({ "metadata.jsonl": rows, "a.png": png, "a.txt": "a" });
    expect(await refusal(() => readDataset("caption", both))).toMatchObject({
      code: "dataset/ambiguous-format",
    });
    expect(await examplesOf("caption", both, { format: "image-folder" })).toHaveLength(1);
  });

  test("texts without an image are left out, with a warning of their number and first names", async () => {
    const names = ["b", "c", "d", "e", "f"].map((name) => [`${name}.txt`, "text"] as const);
    const pictures = { "a.png": png, "a.txt": "a", "g.png": png, "g.caption": "g" };
    const folder = folderWith({ ...Object.fromEntries(names), ...pictures, "sub/a.caption": "a" });
    const data = await readDataset("caption", folder);
    expect(await all(data.examples)).toHaveLength(2);
    const web = await readWebRows(folder);
    for (const { warnings } of [data, web])
      expect(warnings).toEqual([
        {
          code: "dataset/texts-left-out",
          message:
            `${folder}: expected an image of the same name beside each text file, got none beside 6 of them, left out: ` +
            '"b.txt", "c.txt", "d.txt", "e.txt" and 2 more. Add the images, or remove the text files.',
        },
      ]);
    const whole = folderWith(pictures);
    expect((await readDataset("caption", [whole, folder])).warnings).toEqual(data.warnings);
    for (const complete of [
      whole,
      folderWith({ ...pictures, "metadata.csv": "image,text\na.png,a\n", "b.txt": "b" }),
    ])
      expect(
        (await readDataset("caption", complete, complete === whole ? {} : { format: "csv" })).warnings,
      ).toEqual([]);
  });

  test("hidden files are skipped, a link to a parent ends, the number of files is bounded", async () => {
    const folder = folderWith({
      "a.png": png,
      "a.txt": "a",
      "._a.png": "x",
      ".git/a.png": "x",
      "__MACOSX/b.png": "x",
    });
    symlinkSync(folder, join(folder, "loop"));
    expect(await examplesOf("caption", folder)).toHaveLength(1);
    expect(await refusal(() => readDataset("caption", folder, { limits: { folderFiles: 1 } }))).toMatchObject(
      {
        code: "dataset/too-large",
      },
    );
  });

  test("a text file beside an image is bounded and is UTF-8", async () => {
    const large = folderWith({ "a.png": png, "a.txt": "a".repeat(200) });
    expect(await refusal(() => examplesOf("caption", large, { limits: { rowBytes: 100 } }))).toMatchObject({
      code: "dataset/too-large",
    });
    const latin = folderWith({ "a.png": png, "a.txt": Buffer.from("\xe9", "latin1") });
    expect(await refusal(() => examplesOf("caption", latin))).toMatchObject({ code: "dataset/encoding" });
  });
});
