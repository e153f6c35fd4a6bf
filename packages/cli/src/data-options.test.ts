// Options of reading data: their values as the readers take them.
import { expect, test } from "vitest";
import { columnsOf, readerOf } from "./data-options.ts";

test.each<[Parameters<typeof readerOf>[0], ReturnType<typeof readerOf>]>([
  [{}, {}],
  [{ images: ["photos"] }, { imageRoot: "photos" }],
  [{ images: ["vqa=coco", "vg=genome"] }, { imageRoot: { vqa: "coco", vg: "genome" } }],
  // A path of the data, even one with "=".
  [{ images: ["a=b/kept=photos"] }, { imageRoot: { "a=b/kept": "photos" } }],
  [{ column: ["image=photo", "captions=alt=text"] }, { columns: { image: "photo", captions: "alt=text" } }],
  [
    { annotations: "a.json", split: "train", format: "vqa", allowOutside: true },
    { annotations: "a.json", split: "train", format: "vqa", allowOutside: true },
  ],
])("%j is %j", (flags, expected) => {
  expect(readerOf(flags, ["a=b/kept", "clean.jsonl"])).toEqual(expected);
});

test.each([
  [() => readerOf({ images: ["coco", "genome"] }, []), /--images: expected one folder, or NAME=DIR for each/],
  [() => readerOf({ images: ["coco", "vg=genome"] }, []), /got coco, vg=genome/],
  [() => readerOf({ column: ["photo"] }, []), /--column: expected ROLE=NAME .*, got "photo"/],
  [() => readerOf({ column: ["imgae=photo"] }, []), /ROLE: image, captions, id, .*, got "imgae=photo"/],
  [() => columnsOf(["question=q"], ["image", "captions"]), /\(ROLE: image, captions\), got "question=q"/],
  [() => columnsOf(["image="]), /got "image="/],
])("%#: refused", (call, message) => {
  expect(call).toThrow(message);
});
