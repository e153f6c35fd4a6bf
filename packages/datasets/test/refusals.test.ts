// The errors of fields name the file, the row and the field, the expected value and the value they got.
import { describe, expect, test } from "vitest";
import { readDataset, type DatasetOptions, type Task } from "@blip-ts/datasets/node";
import { aro, examplesOf, karpathy, listOf, refusal, type Json } from "./support.ts";

/** Reads two rows, the second of which is wrong. */
async function second(task: Task, good: Json, bad: Json, options: DatasetOptions = {}) {
  const path = listOf(good, bad);
  const error = await refusal(() => examplesOf(task, path, options));
  expect(error.fields).toMatchObject({ file: path, unit: "index", row: 1 });
  return error.message;
}

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
