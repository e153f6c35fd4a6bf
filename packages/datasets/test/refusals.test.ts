// Each reader's errors name the file, the row and the field, the expected value and the value they got.
import { imageAt } from "../src/paths.ts";
import { readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  readAnswerList,
  readDataset,
  readWebRows,
  type DatasetOptions,
  type PathOptions,
  type Task,
} from "@blip-ts/datasets/node";
import { all, examplesOf, fileWith, folderWith, list, refusal } from "./support.ts";

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

const listOf = (...rows: readonly Json[]) => fileWith(JSON.stringify(rows), "rows.json");
const linesOf = (...rows: readonly Json[]) =>
  fileWith(rows.map((row) => JSON.stringify(row)).join("\n"), "rows.jsonl");

/** Reads two rows, the second of which is wrong. */
async function second(task: Task, good: Json, bad: Json, options: DatasetOptions = {}) {
  const path = listOf(good, bad);
  const error = await refusal(() => examplesOf(task, path, options));
  expect(error.fields).toMatchObject({ file: path, unit: "index", row: 1 });
  return error.message;
}

const karpathy = { image: "a.jpg", caption: "a", image_id: 1 };
const vqa = { image: "a.jpg", question: "q", question_id: 1, dataset: "vqa", answer: ["x"] };
const aokvqa = {
  split: "val",
  image_id: 1,
  question_id: "q",
  question: "q",
  choices: ["a", "b"],
  correct_choice_idx: 0,
  direct_answers: ["a"],
};
const nlvr = { images: ["a.png", "b.png"], sentence: "s", label: "True" };
const official = { identifier: "dev-1-0-0", sentence: "s", label: "True" };
const winoground = { id: 0, image_0: "a", image_1: "b", caption_0: "c", caption_1: "d", tag: "t" };
const aro = {
  image_path: "a.jpg",
  true_caption: "t",
  false_caption: "f",
  bbox_x: 0,
  bbox_y: 0,
  bbox_w: 1,
  bbox_h: 1,
};
const order = { image: "a.jpg", caption_options: ["t", "f"] };
const sugar = { filename: "a.jpg", caption: "t", negative_caption: "f" };

describe("each field of each form", () => {
  test.each<[Task, string, Json, Json, RegExp]>([
    [
      "retrieval",
      "karpathy",
      karpathy,
      { ...karpathy, image: 5 },
      /"image": expected the path, URL or bytes of an image, got a number \(5\)/,
    ],
    ["retrieval", "karpathy", karpathy, { caption: "a" }, /"image": .*got nothing/],
    [
      "retrieval",
      "karpathy",
      karpathy,
      { ...karpathy, image: "" },
      /"image": expected a path or a URL, got an empty text/,
    ],
    [
      "retrieval",
      "karpathy",
      karpathy,
      { ...karpathy, caption: 1 },
      /"caption": expected a text, got a number \(1\)/,
    ],
    [
      "retrieval",
      "karpathy",
      karpathy,
      { ...karpathy, caption: [] },
      /"caption": expected a text or a list of texts, got a list of 0/,
    ],
    [
      "retrieval",
      "karpathy",
      karpathy,
      { ...karpathy, caption: ["a", " "] },
      /"caption\[1\]": expected a text, got a text \(" "\)/,
    ],
    [
      "retrieval",
      "karpathy",
      { ...karpathy, false_captions: ["a", "b"] },
      { ...karpathy, false_captions: ["a", 3] },
      /"false_captions\[1\]": expected a text, got a number \(3\)/,
    ],
    [
      "pretrain",
      "pretrain",
      { image: "a.jpg", caption: "a", false_captions: "b" },
      { image: "a.jpg", caption: "a", false_captions: [] },
      /"false_captions": expected a text or a list of texts, got a list of 0/,
    ],
    [
      "retrieval",
      "karpathy",
      karpathy,
      { ...karpathy, image_id: 2 ** 53 },
      /"image_id": expected an integer below 2\^53 or a text/,
    ],
    [
      "retrieval",
      "karpathy",
      karpathy,
      { ...karpathy, image_id: { a: 1 } },
      /"image_id": .*got an object with "a"/,
    ],
    ["retrieval", "karpathy", karpathy, "text", /expected an object with fields, got a text \("text"\)/],
    [
      "caption",
      "nocaps",
      { image: "a.jpg", img_id: 1 },
      { image: "a.jpg", img_id: null },
      /"img_id": .*got nothing/,
    ],
    ["caption", "nocaps", { image: "a.jpg", img_id: 1 }, { image: true, img_id: 1 }, /"image": .*got true/],
    [
      "pretrain",
      "pretrain",
      { url: "http://localhost/a.jpg", caption: "a" },
      { url: "http://localhost/a b", caption: "a" },
      /"url": expected a URL without blanks/,
    ],
    [
      "pretrain",
      "pretrain",
      { image: "a.jpg", caption: "a" },
      { image: "a.jpg" },
      /"caption": expected a text, got nothing/,
    ],
    ["vqa", "blip-vqa", vqa, { ...vqa, question: " " }, /"question": expected a text/],
    [
      "vqa",
      "blip-vqa",
      vqa,
      { ...vqa, answer: ["a", 3] },
      /"answer\[1\]": expected a text or \{"answer": text\}, got a number/,
    ],
    [
      "vqa",
      "blip-vqa",
      vqa,
      { ...vqa, dataset: "vg" },
      /"answer": expected a text \(the dataset is "vg"\), got a list of 1/,
    ],
    [
      "vqa",
      "aokvqa",
      aokvqa,
      { ...aokvqa, image_id: "x" },
      /"image_id": expected COCO's number of the image/,
    ],
    ["vqa", "aokvqa", aokvqa, { ...aokvqa, split: "../val" }, /"split": expected "train", "val" or "test"/],
    [
      "vqa",
      "aokvqa",
      aokvqa,
      { ...aokvqa, correct_choice_idx: 2 },
      /"correct_choice_idx": expected an index below 2/,
    ],
    [
      "vqa",
      "aokvqa",
      aokvqa,
      { ...aokvqa, choices: "a", correct_choice_idx: 1 },
      /"correct_choice_idx": expected an index below 1/,
    ],
    [
      "vqa",
      "aokvqa",
      aokvqa,
      { ...aokvqa, direct_answers: {} },
      /"direct_answers": expected a text, a list of texts/,
    ],
    [
      "nlvr",
      "blip-nlvr",
      nlvr,
      { ...nlvr, images: ["a.png"] },
      /"images": expected a list of two images, got a list of 1/,
    ],
    ["nlvr", "blip-nlvr", nlvr, { ...nlvr, images: ["a.png", 2] }, /"images\[1\]": expected the path/],
    [
      "nlvr",
      "blip-nlvr",
      nlvr,
      { ...nlvr, label: "maybe" },
      /"label": expected true or false .*got a text \("maybe"\)/,
    ],
    ["nlvr", "blip-nlvr", nlvr, { ...nlvr, sentence: null }, /"sentence": expected a text, got nothing/],
    [
      "nlvr",
      "nlvr2",
      official,
      { ...official, identifier: "dev-1" },
      /"identifier": expected split-set-pair-sentence/,
    ],
    [
      "nlvr",
      "nlvr2",
      official,
      { ...official, identifier: "train-1-0-0" },
      /"directory": expected a number, got nothing/,
    ],
    [
      "nlvr",
      "nlvr2",
      official,
      { ...official, identifier: "train-1-0-0", directory: 1.5 },
      /"directory": expected a whole number/,
    ],
    ["match", "winoground", winoground, { ...winoground, caption_1: 1 }, /"caption_1": expected a text/],
    ["match", "winoground", winoground, { ...winoground, image_1: 1 }, /"image_1": expected the path/],
    [
      "match",
      "aro",
      aro,
      { ...aro, false_caption: "" },
      /"false_caption": expected a text, got an empty text/,
    ],
    [
      "match",
      "aro",
      aro,
      { ...aro, bbox_w: -1 },
      /"bbox_w": expected a number of at least 0, got a number \(-1\)/,
    ],
    ["match", "aro", aro, { ...aro, bbox_h: null }, /"bbox_h": expected a number, got nothing/],
    [
      "match",
      "aro-order",
      order,
      { ...order, caption_options: ["one"] },
      /"caption_options": expected a list of at least two texts/,
    ],
    [
      "match",
      "sugarcrepe",
      sugar,
      { ...sugar, negative_caption: 7 },
      /"negative_caption": expected a text, got a number/,
    ],
    [
      "match",
      "table",
      { image: "a.jpg", text: "t", label: 1 },
      { image: "a.jpg", text: "t", label: 2 },
      /"label": expected true or false/,
    ],
    [
      "retrieval",
      "table",
      { file_name: "a.jpg", text: "a" },
      { file_name: "a.jpg" },
      /expected a value in one of the columns "caption".*got "file_name"/,
    ],
    [
      "vqa",
      "table",
      { image: "a.jpg", question: "q" },
      { image: "a.jpg", question: "q", answers: [null] },
      /"answers\[0\]": .*got null/,
    ],
    [
      "nlvr",
      "table",
      { image_0: "a", image_1: "b", statement: "s" },
      { image_0: "a", statement: "s" },
      /"images": expected a list of two images/,
    ],
  ])("%s, %s: %#", async (task, format, good, bad, message) => {
    const dataset = await readDataset(task, listOf(good));
    expect(dataset.format).toBe(format);
    expect(await second(task, good, bad)).toMatch(message);
  });

  test("other rows are read if the wrong ones are reported", async () => {
    const seen: object[] = [];
    const rows = await examplesOf("retrieval", listOf(karpathy, { ...karpathy, caption: 1 }, karpathy), {
      onRowError: ({ code, fields }) => seen.push({ code, ...fields }),
    });
    expect(rows).toHaveLength(2);
    expect(seen).toMatchObject([{ code: "dataset/bad-field", field: "caption", row: 1 }]);
  });
});

describe("documents of several parts", () => {
  const coco = (images: Json, annotations: Json) => fileWith(JSON.stringify({ images, annotations }));

  test.each<[string, Json, Json, RegExp]>([
    [
      "an id twice",
      [
        { id: 1, file_name: "a" },
        { id: 1, file_name: "b" },
      ],
      [],
      /entry "images\[1\]": field "id": expected an id of its own/,
    ],
    [
      "an image without an id",
      [{ id: 1, file_name: "a" }, { file_name: "b" }],
      [],
      /entry "images\[1\]": field "id"/,
    ],
    [
      "a caption of no image",
      [{ id: 1, file_name: "a" }],
      [{ image_id: 2, caption: "c" }],
      /"annotations\[0\]": field "image_id": expected the id of a row in "images", got a number \(2\)/,
    ],
    [
      "a caption that is none",
      [{ id: 1, file_name: "a" }],
      [{ image_id: 1, segmentation: [] }],
      /"annotations\[0\]": field "caption": expected a text/,
    ],
    [
      "an image without captions",
      [{ id: 1, file_name: "a" }],
      [],
      /entry "images\[0\]": expected at least one caption/,
    ],
    ["an image without a name", [{ id: 1 }], [{ image_id: 1, caption: "c" }], /field "file_name"/],
  ])("COCO: %s", async (_, images, annotations, message) => {
    expect((await refusal(() => examplesOf("retrieval", coco(images, annotations)))).message).toMatch(
      message,
    );
  });

  test("COCO: limits of what is joined in memory", async () => {
    const path = list("captions_val2014.json");
    const large = await refusal(() => examplesOf("caption", path, { limits: { documentBytes: 100 } }));
    expect(large).toMatchObject({ code: "dataset/too-large", fields: { option: "documentBytes" } });
    const many = await refusal(() => examplesOf("caption", path, { limits: { joinedRows: 3 } }));
    expect(many).toMatchObject({ code: "dataset/too-large", fields: { option: "joinedRows" } });
  });

  const questions = { data_subtype: "val2014", questions: [{ image_id: 1, question: "q", question_id: 10 }] };
  const joinedWith = (annotations: Json, asked: Json = questions) => {
    const folder = folderWith({ "q.json": JSON.stringify(asked), "a.json": JSON.stringify(annotations) });
    return refusal(() => examplesOf("vqa", join(folder, "q.json"), { annotations: join(folder, "a.json") }));
  };

  test("VQA: a question without an annotation, annotations of unknown form, duplicate ids", async () => {
    const other = { annotations: [{ question_id: 11, answers: ["a"] }] };
    expect((await joinedWith(other)).message).toMatch(
      /entry "questions\[0\]": field "question_id": expected an annotation of question 10 in a.json, got no row/,
    );
    expect((await joinedWith({ annotations: [] })).message).toContain('got no rows in its "annotations"');
    expect(
      (await joinedWith({ annotations: [{ question_id: 10, answers: [{ text: "a" }] }] })).message,
    ).toMatch(
      /a.json, entry "annotations\[0\]": field "answers\[0\]": expected a text or \{"answer": text\}/,
    );
    const twice = {
      annotations: [
        { question_id: 9, answers: ["a"] },
        { question_id: 9, answers: ["a"] },
      ],
    };
    expect((await joinedWith(twice)).message).toContain("for the second time");
    const same = { ...questions, questions: [...questions.questions, ...questions.questions] };
    const good = { annotations: [{ question_id: 10, answers: ["a"] }] };
    expect((await joinedWith(good, same)).message).toMatch(
      /"questions\[1\]": field "question_id": expected an id of its own/,
    );
    expect((await joinedWith(good, { questions: questions.questions })).message).toContain('"data_subtype"');
    expect((await joinedWith(good, { ...questions, data_subtype: "../x" })).message).toContain(
      '"data_subtype": expected',
    );
  });

  test("VQA: the two files exchanged, annotations of another form", async () => {
    const swapped = await refusal(() => examplesOf("vqa", list("v2_annotations.json")));
    expect(swapped).toMatchObject({ code: "dataset/unknown-format" });
    expect(swapped.message).toContain('give the questions\' file, and this one as the option "annotations"');
    const annotations = list("v2_annotations.json");
    expect(await refusal(() => examplesOf("vqa", list("vqa_train.json"), { annotations }))).toMatchObject({
      code: "dataset/bad-option",
    });
  });

  test("VQA: questions of test-dev are about the images of test", async () => {
    const path = fileWith(JSON.stringify({ ...questions, data_subtype: "test-dev2015" }));
    const [row] = await examplesOf("vqa", path);
    expect(row?.image).toMatchObject({ path: "test2015/COCO_test2015_000000000001.jpg" });
  });

  test("MSRVTT: several splits, a missing split, a clip without sentences", async () => {
    const clip = (id: string, split: string) => ({ video_id: id, split });
    const path = fileWith(
      JSON.stringify({
        videos: [clip("a", "train"), clip("b", "validate")],
        sentences: [{ video_id: "b", caption: "c" }],
      }),
    );
    expect((await refusal(() => examplesOf("video", path))).message).toContain(
      'expected one split, got several: "train", "validate"',
    );
    expect((await refusal(() => examplesOf("video", path, { split: "test" }))).message).toContain(
      'videos of the split "test"',
    );
    expect((await refusal(() => examplesOf("video", path, { split: "train" }))).message).toContain(
      'a clip with rows in "sentences"',
    );
  });
});

describe("paths stay in their folder", () => {
  test.each([
    ["../a.jpg", /leads out of it by "\.\."/],
    ["a/../../b.jpg", /leads out/],
    ["a\\..\\..\\b.jpg", /leads out/],
    ["/etc/passwd", /which is absolute/],
    ["C:\\a.jpg", /which is absolute/],
    ["\\\\host\\a.jpg", /which is absolute/],
  ])("%s", async (path, message) => {
    const file = listOf({ image: path, caption: "a" });
    const error = await refusal(() => examplesOf("retrieval", file));
    expect(error).toMatchObject({ code: "dataset/outside-root", fields: { field: "image" } });
    expect(error.message).toMatch(message);
    expect(await examplesOf("retrieval", file, { allowOutside: true })).toHaveLength(1);
  });

  test.each(["file:///etc/passwd", "s3://bucket/a.jpg"])("%s is not a location of an image", async (url) => {
    const error = await refusal(() =>
      examplesOf("retrieval", listOf({ image: url, caption: "a" }), { allowOutside: true }),
    );
    expect(error.message).toContain("expected a path, an http(s) URL or a data: URL");
  });

  test("a data: URL is returned, unless it is larger than any image", async () => {
    const url = "data:image/png;base64,AAAA";
    const [example] = await examplesOf("retrieval", listOf({ image: url, caption: "a" }));
    expect(example).toMatchObject({ image: { kind: "url", url } });
    const place = { unit: "row", file: "list.json", at: 1 } as const;
    const long = `data:,${"x".repeat(75_000_000)}`;
    const rules = { root: "", allowOutside: true };
    expect(() => imageAt(place, "image", long, rules)).toThrow(
      /expected a data: URL of at most 75000000 characters, got 75000006 characters/,
    );
  });

  test("a/../b.jpg stays", async () => {
    expect(await examplesOf("retrieval", listOf({ image: "a/../b.jpg", caption: "a" }))).toHaveLength(1);
  });

  test("a clip's folder too", async () => {
    const path = linesOf({ clip_name: "../x", caption: "c" });
    expect(await refusal(() => examplesOf("video", path))).toMatchObject({ code: "dataset/outside-root" });
  });
});

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
