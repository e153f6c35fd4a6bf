// Reads a fixture of each known form.
import { describe, expect, test } from "vitest";
import { imageKeyOf, readAnswerList, readDataset } from "@blip-ts/datasets/node";
import { examplesOf, fileWith, fixture, image, list, refusal } from "./support.ts";

describe("captions and retrieval", () => {
  test("Karpathy's train list: one row per caption, with the image's id repeated", async () => {
    const rows = await examplesOf("retrieval", list("coco_karpathy_train.json"));
    expect(rows.map(({ imageId, captions }) => [imageId, captions])).toEqual([
      ["coco_41", ["A boat rests on a calm lake."]],
      ["coco_41", ["a small boat by the shore"]],
      ["coco_77", ["Two goats climb a wall."]],
    ]);
    expect(rows[0]?.image).toEqual(image("val2014/COCO_val2014_000000000041.jpg"));
    expect(rows[2]?.place).toEqual({ file: list("coco_karpathy_train.json"), unit: "index", at: 2 });
  });

  test("Karpathy's val list: all captions, and COCO's number from the file's name", async () => {
    const rows = await examplesOf("caption", list("coco_karpathy_val.json"));
    expect(rows.map(({ submissionId, captions }) => [submissionId, captions])).toEqual([
      [41, ["A boat rests on a calm lake.", "a small boat by the shore"]],
      [52, ["A kite above the sand.\n"]],
    ]);
    expect(rows[0]).not.toHaveProperty("imageId");
  });

  test.each(["retrieval", "caption"] as const)(
    "%s: rows of one image have one key, others another",
    async (task) => {
      const firstOf = async (rows: readonly object[]) => {
        const content = rows.map((row) => JSON.stringify({ caption: "a", ...row })).join("\n");
        const keys = (await examplesOf(task, fileWith(content, "rows.jsonl"))).map(imageKeyOf);
        return keys.map((key) => keys.indexOf(key));
      };
      // The numbers in names of files are no ids.
      const names = ["cats/clip_0501.png", "dogs/clip_0501.png", "cats/clip_0502.png", "dogs/clip_0502.png"];
      expect(await firstOf(names.map((name) => ({ image: name })))).toEqual([0, 1, 2, 3]);
      expect(
        await firstOf(["a.png", "b.png", "a.png"].map((url) => ({ url: `https://x.org/${url}` }))),
      ).toEqual([0, 1, 0]);
      // An id may equal the number of its row.
      const ids = [0, 0, 1, 1, 2, 2, 3, 3];
      expect(await firstOf(ids.map((id, n) => ({ image: `${n}.png`, image_id: id })))).toEqual([
        0, 0, 2, 2, 4, 4, 6, 6,
      ]);
      expect(await firstOf(["1", 1, "1"].map((id) => ({ image: "a.png", image_id: id })))).toEqual([0, 1, 0]);
      // The id of a caption does not separate the rows of its image.
      expect(await firstOf([7, 8, 9].map((id) => ({ file_name: "a.png", id })))).toEqual([0, 0, 0]);
      const bytes = await examplesOf(task, fixture("parquet/none.parquet"));
      expect(new Set(bytes.map(imageKeyOf)).size).toBe(4);
    },
  );

  test("captions that are false for their image, one or several, beside the true ones", async () => {
    const rows = [
      { image: "a.jpg", caption: "a cat", false_captions: ["a dog", "two cats"] },
      { image: "b.jpg", caption: ["a cup", "one cup"], false_captions: "a jug" },
      { image: "c.jpg", caption: "a hat" },
    ];
    const path = fileWith(JSON.stringify(rows), "list.json");
    const found = (await examplesOf("retrieval", path)).map((row) => row.falseCaptions);
    expect(found).toEqual([["a dog", "two cats"], ["a jug"], undefined]);
    const pretraining = await examplesOf("pretrain", path);
    expect(pretraining.map((row) => row.falseCaptions)).toEqual([
      ["a dog", "two cats"],
      ["a jug"],
      ["a jug"],
      undefined,
    ]);
  });

  test("Flickr30k has no number in its names: the path is the id", async () => {
    const [row] = await examplesOf("caption", list("flickr30k_test.json"), { imageRoot: "/data" });
    expect(row).toMatchObject({
      submissionId: "flickr30k-images/1001.jpg",
      image: image("flickr30k-images/1001.jpg", "/data"),
    });
  });

  test("COCO's annotations are grouped by image, in the order of the images", async () => {
    const rows = await examplesOf("retrieval", list("captions_val2014.json"));
    expect(rows.map(({ imageId, captions, image: { ...source } }) => [imageId, captions, source])).toEqual([
      [41, ["A boat rests on a calm lake."], image("COCO_val2014_000000000041.jpg")],
      [52, ["A kite above the sand.", "Someone flies a kite."], image("COCO_val2014_000000000052.jpg")],
    ]);
  });

  test("a ground truth without file names gives references", async () => {
    const dataset = await readDataset("references", list("coco_karpathy_val_gt.json"));
    expect(dataset.format).toBe("coco");
    const rows = await examplesOf("references", list("coco_karpathy_val_gt.json"));
    expect(rows.map(({ imageId, captions }) => [imageId, captions])).toEqual([
      [41, ["A boat rests on a calm lake.", "a small boat by the shore"]],
      [52, ["A kite above the sand."]],
    ]);
    expect(await refusal(() => examplesOf("caption", list("coco_karpathy_val_gt.json")))).toMatchObject({
      code: "dataset/bad-field",
      message: expect.stringContaining('entry "images[0]": field "file_name"') as string,
    });
  });

  test("NoCaps: validation with captions and domains, test with images alone, BLIP's list", async () => {
    expect(await examplesOf("caption", list("nocaps_val_4500_captions.json"))).toMatchObject([
      { imageId: 0, domain: "near-domain", captions: ["A toucan on a branch.", "a bird with a large beak"] },
    ]);
    const test = await examplesOf("caption", list("nocaps_test_image_info.json"));
    expect(test.map(({ submissionId, captions }) => [submissionId, captions])).toEqual([
      [0, []],
      [1, []],
    ]);
    const blip = await readDataset("caption", list("nocaps_val.json"));
    expect(blip).toMatchObject({ format: "nocaps", container: "json" });
    expect(await examplesOf("caption", list("nocaps_val.json"))).toMatchObject([
      { imageId: 0, submissionId: 0, image: image("val/00ab.jpg"), captions: [] },
      { imageId: 1, submissionId: 1 },
    ]);
  });

  test("Karpathy's own file: one split, which must be named", async () => {
    const rows = await examplesOf("retrieval", list("dataset_coco.json"), { split: "test" });
    expect(rows).toMatchObject([
      { imageId: 41, captions: ["A boat.", "boat"], image: image("val2014/COCO_val2014_000000000041.jpg") },
    ]);
    expect(await examplesOf("caption", list("dataset_coco.json"), { split: "test" })).toMatchObject([
      { imageId: 41, submissionId: 41 },
    ]);
    expect(await refusal(() => examplesOf("retrieval", list("dataset_coco.json")))).toMatchObject({
      code: "dataset/bad-option",
    });
    const other = await refusal(() => examplesOf("retrieval", list("dataset_coco.json"), { split: "train" }));
    expect(other.message).toContain('rows of the split "train", got "test", "restval"');
  });

  test("pre-training lists of paths and of URLs", async () => {
    expect(await examplesOf("pretrain", [list("pretrain.json"), list("ccs_filtered.json")])).toMatchObject([
      { image: image("cc3m/0.jpg"), caption: "a photo of a lake" },
      { image: image("sbu/7.jpg"), caption: "my dog on the sofa" },
      { image: { kind: "url", url: "http://localhost/a.jpg" } },
      { image: { kind: "url", url: "https://localhost/b.png" }, caption: "a stack of books" },
    ]);
  });
});

describe("questions", () => {
  test("BLIP's lists: each answer's share, 0.2 for Visual Genome, two folders of images", async () => {
    const options = { imageRoot: { vqa: "/coco", vg: "/vg" } };
    const rows = await examplesOf("vqa", [list("vqa_train.json"), list("vg_qa.json")], options);
    expect(rows).toMatchObject([
      {
        question: "What floats?",
        questionId: 41000,
        answers: [
          { answer: "boat", weight: 0.8 },
          { answer: "ship", weight: 0.2 },
        ],
        image: image("train2014/COCO_train2014_000000000041.jpg", "/coco"),
      },
      { answers: [{ answer: "The grass.", weight: 0.2 }], image: image("image/1.jpg", "/vg"), dataset: "vg" },
    ]);
    expect(rows[0]?.humanAnswers).toHaveLength(10);
    expect(await examplesOf("vqa", list("vqa_test.json"))).toMatchObject([
      { answers: [], questionId: 262144000 },
    ]);
  });

  test("VQA v2: questions and annotations joined by question_id, whatever their order", async () => {
    const annotations = list("v2_annotations.json");
    const rows = await examplesOf("vqa", list("v2_questions.json"), { annotations });
    expect(rows).toMatchObject([
      {
        questionId: 262148000,
        question: "Where is he looking?",
        humanAnswers: ["down", "at table"],
        answerType: "other",
        questionType: "none of the above",
        image: image("val2014/COCO_val2014_000000262148.jpg"),
      },
      {
        questionId: 262148001,
        humanAnswers: ["yes", "yes", "no", ""],
        answers: [
          { answer: "yes", weight: 0.5 },
          { answer: "no", weight: 0.25 },
          { answer: "", weight: 0.25 },
        ],
        answerType: "yes/no",
      },
    ]);
    const without = await readDataset("vqa", list("v2_questions.json"));
    expect(without.description).toContain("without annotations: no answers");
  });

  test("OK-VQA counts the answers, not the raw ones", async () => {
    const annotations = list("okvqa_annotations.json");
    const [row] = await examplesOf("vqa", list("okvqa_questions.json"), { annotations });
    expect(row).toMatchObject({ answers: [{ answer: "race", weight: 1 }], questionType: "four" });
  });

  test("A-OKVQA: choices, the right one, COCO 2017's names; a test set without answers", async () => {
    expect(
      await examplesOf("vqa", [list("aokvqa_v1p0_val.json"), list("aokvqa_v1p0_test.json")]),
    ).toMatchObject([
      {
        questionId: "22jb",
        choices: ["pen", "cup", "map", "key"],
        correctChoice: 1,
        answers: [
          { answer: "cup", weight: 0.75 },
          { answer: "mug", weight: 0.25 },
        ],
        image: image("val2017/000000461751.jpg"),
      },
      { questionId: "2a", answers: [], choices: ["pen", "cup"] },
    ]);
  });

  test("the list of ranked answers", async () => {
    expect(await readAnswerList(list("answer_list.json"))).toEqual([
      "net",
      "pitcher",
      "orange",
      "yes",
      'not "sure"',
    ]);
  });
});

describe("two images, and which text fits which", () => {
  test("NLVR2 in BLIP's form and in its own", async () => {
    const blip = await examplesOf("nlvr", list("nlvr_dev.json"));
    expect(blip).toMatchObject([
      { label: false, identifier: "dev-850-0", sentence: "There is an empty glass." },
      { label: true, images: [image("dev/dev-850-1-img0.png"), image("dev/dev-850-1-img1.png")] },
    ]);
    expect(await examplesOf("nlvr", list("nlvr2.jsonl"))).toMatchObject([
      {
        label: false,
        identifier: "dev-850-0-0",
        images: [image("dev/dev-850-0-img0.png"), image("dev/dev-850-0-img1.png")],
      },
      {
        label: true,
        images: [
          image("images/train/39/train-10171-0-img0.png"),
          { path: "images/train/39/train-10171-0-img1.png" },
        ],
      },
    ]);
  });

  test("Winoground: two images, two texts, and which belong together", async () => {
    expect(await examplesOf("match", list("winoground.jsonl"))).toMatchObject([
      {
        images: [image("images/ex_0_img_0.png"), image("images/ex_0_img_1.png")],
        matches: [
          [true, false],
          [false, true],
        ],
        group: "Object",
        id: 0,
      },
    ]);
  });

  test("ARO: the box in which the relation holds, the group, the true text first", async () => {
    expect(await examplesOf("match", list("visual_genome_relation.json"))).toMatchObject([
      {
        texts: ["the door is behind the cat", "the cat is behind the door"],
        matches: [[true, false]],
        crop: { x: 3, y: 4, width: 100, height: 80 },
        group: "behind",
      },
    ]);
    expect(await examplesOf("match", list("visual_genome_attribution.json"))).toMatchObject([
      { group: "white_brown" },
    ]);
    expect(await examplesOf("match", list("coco_order.json"))).toMatchObject([
      { matches: [[true, false, false]], texts: { length: 3 } },
    ]);
  });

  test("SugarCrepe's object of rows", async () => {
    const rows = await examplesOf("match", list("sugarcrepe_add_att.json"));
    expect(rows.map(({ id, texts }) => [id, texts])).toEqual([
      ["0", ["A room with a table.", "A room with a purple table."]],
      ["1", ["A bear sits.", "A striped bear sits."]],
    ]);
    expect(rows[0]?.images).toEqual([image("000000000139.jpg")]);
  });
});

describe("clips", () => {
  const options = { imageRoot: fixture("frames") };

  test.each([
    ["msrvtt_test.jsonl", "msrvtt", ["a woman creating a fondant baby"]],
    ["test_videodatainfo.json", "msrvtt-json", ["a woman creating a fondant baby", "someone shapes dough"]],
    ["MSRVTT_JSFUSION_test.csv", "msrvtt-csv", ["a woman creating a fondant baby and flower"]],
  ])("%s: frames in the order of their numbers", async (name, format, captions) => {
    const dataset = await readDataset("video", list(name), options);
    expect(dataset.format).toBe(format);
    const rows = await examplesOf("video", list(name), options);
    expect(rows.map(({ videoId }) => videoId)).toEqual(["video7020", "video7021"]);
    const [first] = rows;
    expect(first?.captions).toEqual(captions);
    expect(first?.frames).toHaveLength(11);
    expect(first?.frames[2]).toEqual(image("video7020/frame_2.png", fixture("frames")));
    expect(first?.frames[10]).toEqual(image("video7020/frame_10.png", fixture("frames")));
  });

  test("a clip without frames is its row's error", async () => {
    const seen: string[] = [];
    const rows = await examplesOf("video", list("msrvtt_test.jsonl"), {
      onRowError: ({ message }) => seen.push(message),
    });
    expect(rows).toEqual([]);
    expect(seen[0]).toMatch(/line 1: field "clip_name": expected a folder "video7020".*got no such folder/);
  });
});
