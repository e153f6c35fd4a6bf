// The errors of documents with several parts, and of paths that lead out of their folder.
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { imageAt } from "../src/paths.ts";
import { examplesOf, fileWith, folderWith, linesOf, list, listOf, refusal, type Json } from "./support.ts";

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
