// Published samples, with stand-ins for the published models and images.
import { closedBy } from "@blip-ts/base";
import { floatTensor, int64Tensor } from "@blip-ts/graph";
import { describe, expect, test } from "vitest";
import { fixture } from "../../../test/support/goldens.ts";
import { nodePlatform } from "../../platform/node/node-platform.ts";
import type { ImageInput } from "../../platform/node/decode-image.ts";
import type { Platform } from "../../platform.ts";
import { Answerer } from "../../verbs/ask.ts";
import { Captioner } from "../../verbs/caption.ts";
import { ConditionalGeneration } from "../../classes/conditional-generation.ts";
import { Embedder } from "../../verbs/embed.ts";
import { Matcher } from "../../verbs/match.ts";
import { processorsOf } from "../../verbs/image-batches.ts";
import { publishedImages, publishedSamples, type Published, type Sample } from "./published-samples.ts";
import { projected } from "./run-sample.ts";
import { samplesOf, verify, type VerifyOptions, type VerifyRow } from "./verify.ts";

const scene = fixture("../examples/scenes/01.png");
const imageOf = (name: string) => Promise.resolve(name === "scene" ? scene : undefined);
const [match, caption, vqa, pretrained] = ["match", "caption", "vqa", "pretrain-original"].map((name) =>
  fixture(`tiny/${name}`),
);

const sample = (expected: Sample["expected"], more: Partial<Sample> = {}): Sample => ({
  ...{ models: ["stand-in"], image: "scene", compat: "hf", source: "here" },
  ...more,
  expected,
});

async function rowsOf(
  model: string | undefined,
  samples: Sample[],
  options: VerifyOptions = {},
  platform: Platform<ImageInput> = nodePlatform,
) {
  const rows: VerifyRow[] = [];
  const all = verify<ImageInput>(platform, model ?? "", (place) => place, {
    ...{ samples, as: "stand-in", imageOf },
    ...options,
  });
  for await (const row of all) rows.push(row);
  return rows;
}

const first = async <Row extends object>(
  rows: AsyncIterable<Row>,
): Promise<Exclude<Row, { error: unknown }>> => {
  for await (const row of rows) return row as Exclude<Row, { error: unknown }>;
  throw new Error("no row");
};

describe("verify", () => {
  test("compares probability and cosine within the sample's tolerance", async () => {
    await using matcher = await Matcher.load<ImageInput>(nodePlatform, match ?? "", { compat: "hf" });
    const { probability, cosine } = await first(matcher.match([scene], ["a dog"]));
    const of = (p: number, c: number) =>
      sample({ task: "match", text: "a dog", probability: [p, 1e-3], cosine: [c, 1e-3] });
    const rows = await rowsOf(match, [
      of(probability, cosine),
      of(probability + 9e-4, cosine - 9e-4),
      of(probability + 2e-3, cosine),
      of(probability, cosine + 2e-3),
      sample({ task: "embed", text: "a dog", cosine: [cosine, 1e-4] }),
      sample({ task: "embed", text: "a cat", cosine: [cosine, 1e-4] }),
    ]);
    const wanted = ["equal", "equal", "different", "different", "equal", "different"];
    expect(rows.map(({ verdict }) => verdict)).toEqual(wanted);
    const shown = (text = "") => Number(/probability ([\d.]+)/.exec(text)?.[1]);
    expect(shown(rows[2]?.expected)).toBeCloseTo(probability + 2e-3, 4);
    expect(shown(rows[2]?.found)).toBeCloseTo(probability, 4);
  });

  describe("says so where a model gives what 8 attention heads are known to give", () => {
    const said = ({ found }: VerifyRow) => /8 attention heads.*trained with 12/.test(found);

    test("of scores", async () => {
      await using matcher = await Matcher.load<ImageInput>(nodePlatform, match ?? "", { compat: "hf" });
      const { probability, cosine } = await first(matcher.match([scene], ["a dog"]));
      const of = (eightHeads: readonly [number, number]) =>
        sample({
          ...{ task: "match", text: "a dog", probability: [probability + 0.1, 1e-3], eightHeads },
          cosine: [cosine, 1e-3],
        });
      const rows = await rowsOf(match, [of([probability, cosine]), of([probability, cosine + 0.1])]);
      expect(rows.map(({ verdict }) => verdict)).toEqual(["different", "different"]);
      expect(rows.map(said)).toEqual([true, false]);
    });

    test("of tokens", async () => {
      await using captioner = await Captioner.load<ImageInput>(nodePlatform, caption ?? "", { compat: "hf" });
      const { tokens } = await first(captioner.caption([scene]));
      const rows = await rowsOf(caption, [
        sample({ task: "caption", tokens: [...tokens, 3], eightHeads: tokens }),
        sample({ task: "caption", tokens, eightHeads: [3] }),
      ]);
      expect(rows.map(({ verdict }) => verdict)).toEqual(["different", "equal"]);
      expect(rows.map(said)).toEqual([true, false]);
    });
  });

  test("compares means over all states and all projections", async () => {
    await using embedder = await Embedder.load<ImageInput>(nodePlatform, pretrained ?? "", {
      compat: "lavis",
    });
    const meanOf = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0) / numbers.length;
    const image = await first(embedder.embedImages([scene], { states: true }));
    const text = await first(embedder.embedTexts(["a dog"], { states: true }));
    const statesOf = (rows: readonly (readonly number[])[]) =>
      floatTensor([1, rows.length, rows[0]?.length ?? 0], rows.flat());
    const projections = async (of: "image" | "text", rows: readonly (readonly number[])[]) =>
      meanOf([...(await projected(embedder.model.loaded, of, statesOf(rows))).data]);
    const means = [
      ["image", meanOf(image.embedding.flat())],
      ["text", meanOf(text.embedding.flat())],
      ["textProjection", await projections("text", text.embedding)],
      ["imageProjection", await projections("image", image.embedding)],
    ] as const;
    const of = (off: number) => {
      const published = means.map(
        ([name, mean], index) => [name, [mean + (index === 3 ? off : 0), 1e-5]] as const,
      );
      return sample({ task: "means", text: "a dog", means: published }, { compat: "lavis" });
    };
    const rows = await rowsOf(pretrained, [of(0), of(2e-5)]);
    expect(rows.map(({ verdict }) => verdict)).toEqual(["equal", "different"]);
    for (const [name] of means) expect(rows[0]?.found).toContain(`${name} `);
  });

  test("compares shares among names at the temperature that training left in the file", async () => {
    await using embedder = await Embedder.load<ImageInput>(nodePlatform, pretrained ?? "", {
      compat: "lavis",
    });
    const image = await first(embedder.embedImages([scene]));
    const powers: number[] = [];
    for await (const row of embedder.embedTexts(["a dog", "two cats"])) {
      if (row.error) throw new Error(row.error.message);
      // The temperature of all tiny checkpoints is 0.07, the initial value of training.
      powers.push(
        Math.exp(row.embedding.reduce((sum, x, at) => sum + x * (image.embedding[at] ?? 0), 0) / 0.07),
      );
    }
    const share = (powers[0] ?? NaN) / powers.reduce((a, b) => a + b, 0);
    const of = (dog: number) =>
      sample(
        {
          task: "classify",
          names: [
            ["a dog", [dog, 1e-4]],
            ["two cats", [1 - dog, 1e-4]],
          ],
        },
        { compat: "lavis" },
      );
    const rows = await rowsOf(pretrained, [of(share), of(share + 1e-3)]);
    expect(rows.map(({ verdict }) => verdict)).toEqual(["equal", "different"]);
    const [converted] = await rowsOf(match, [of(share)]);
    expect(converted).toMatchObject({
      ...{ verdict: "skipped", found: expect.stringMatching(/expected "temp".*original file/) as unknown },
    });
  });

  test("compares the loss of a caption after its first tokens", async () => {
    await using model = await ConditionalGeneration.load(nodePlatform, pretrained ?? "", { compat: "lavis" });
    const { images } = await processorsOf<ImageInput>(nodePlatform, model.loaded, { compat: "lavis" });
    const ids = [model.loaded.tokens.dec, ...model.loaded.tokenizer.ids("two red cars and the dog").slice(1)];
    const { logits } = await model.forward({
      pixelValues: await images.batch([scene]),
      inputIds: int64Tensor([1, ids.length], ids),
    });
    const V = logits.dims[2] ?? 0;
    const losses = ids.slice(4).map((id, index) => {
      const row = Array.from(logits.data.subarray((3 + index) * V, (4 + index) * V));
      const log = Math.log(row.reduce((sum, x) => sum + Math.exp(x), 0));
      return 0.9 * (log - (row[id] ?? NaN)) + 0.1 * (log - row.reduce((a, b) => a + b, 0) / V);
    });
    const loss = losses.reduce((a, b) => a + b, 0) / losses.length;
    const of = (expected: number) =>
      sample(
        { task: "loss", text: "two red cars and the dog", promptTokens: 4, loss: [expected, 1e-4] },
        { compat: "lavis" },
      );
    const rows = await rowsOf(pretrained, [of(loss), of(loss + 1e-3)]);
    expect(rows.map(({ verdict }) => verdict)).toEqual(["equal", "different"]);
  });

  test("compares tokens and texts, under the sample's conventions and picture size", async () => {
    await using captioner = await Captioner.load<ImageInput>(nodePlatform, caption ?? "", { compat: "blip" });
    const said = await first(captioner.caption([scene]));
    await using large = await Captioner.load<ImageInput>(nodePlatform, caption ?? "", {
      ...{ compat: "hf", imageSize: 48 },
    });
    const { tokens } = await first(large.caption([scene]));
    const rows = await rowsOf(caption, [
      sample({ task: "caption", caption: said.caption }, { compat: "blip" }),
      sample({ task: "caption", tokens }, { imageSize: 48 }),
      sample({ task: "caption", tokens: [...tokens, 3] }, { imageSize: 48 }),
    ]);
    expect(rows.map(({ verdict }) => verdict)).toEqual(["equal", "equal", "different"]);
  });

  test("loads each model once, one at a time, and keeps the samples' order", async () => {
    let [opened, atOnce, most] = [0, 0, 0];
    const platform: Platform<ImageInput> = {
      ...nodePlatform,
      createEngine(options: Parameters<typeof nodePlatform.createEngine>[0]) {
        const engine = nodePlatform.createEngine(options);
        opened++;
        most = Math.max(most, ++atOnce);
        return {
          createSession: (model, more) => engine.createSession(model, more),
          ...closedBy(async () => {
            atOnce--;
            await engine.close();
          }),
        };
      },
    };
    const near: Published = [0, 2];
    const done: number[] = [];
    const samples = [
      sample({ task: "match", text: "a dog", cosine: near }),
      sample({ task: "match", text: "a cat", cosine: near }, { compat: "blip" }),
      sample({ task: "embed", text: "a cow", cosine: near }),
      sample({ task: "match", text: "a sheep", cosine: near }),
      sample({ task: "match", text: "a tree", cosine: near }, { image: "missing" }),
      sample({ task: "embed", text: "a house", cosine: near }),
    ];
    const onSample = (progress: { readonly done: number }) => void done.push(progress.done);
    const rows = await rowsOf(match, samples, { onSample }, platform);
    expect(rows.map(({ sample: asked }) => /"(.*)"/.exec(asked)?.[1])).toEqual([
      "a dog",
      "a cat",
      "a cow",
      "a sheep",
      "a tree",
      "a house",
    ]);
    expect(rows.map(({ verdict }) => verdict)).toEqual([
      "equal",
      "equal",
      "equal",
      "equal",
      "skipped",
      "equal",
    ]);
    expect(done).toEqual([0, 1, 2, 3, 4, 5, 6]);
    // Matching in two conventions, and embedding.
    expect({ opened, atOnce, most }).toEqual({ opened: 3, atOnce: 0, most: 1 });
  });

  test("compares answers of a list", async () => {
    await using answerer = await Answerer.load<ImageInput>(nodePlatform, vqa ?? "", { compat: "lavis" });
    const answers = ["a dog", "two red cars"];
    const { answer } = await first(answerer.ask([scene], ["what ?"], { answers }));
    const asked = (wanted: string) =>
      sample({ task: "ask", question: "what ?", answers, answer: wanted }, { compat: "lavis" });
    const other = answers.find((one) => one !== answer) ?? "";
    const found = await rowsOf(vqa, [asked(answer), asked(other)]);
    expect(found.map(({ verdict }) => verdict)).toEqual(["equal", "different"]);
  });

  test("skips what has no picture, and says where the picture is", async () => {
    const [missing] = await rowsOf(match, [
      sample({ task: "embed", text: "a", cosine: [0, 1] }, { image: "demo.jpg" }),
    ]);
    expect(missing).toMatchObject({
      verdict: "skipped",
      found: expect.stringMatching(/demo\.jpg.*https/) as unknown,
    });
    const broken = { imageOf: () => Promise.resolve(fixture("images/text.jpg")) };
    const [row] = await rowsOf(match, [sample({ task: "embed", text: "a", cosine: [0, 1] })], broken);
    expect(row?.verdict).toBe("skipped");
    expect(row?.found).toMatch(/got text/);
  });

  test("refuses a model that cannot do what was published of it, and one of which nothing was", async () => {
    const wrong = [sample({ task: "caption", caption: "a dog" })];
    await expect(rowsOf(match, wrong)).rejects.toMatchObject({ code: "model/wrong-task" });
    await expect(rowsOf(match, wrong, { as: "another" })).rejects.toMatchObject({
      code: "verify/no-samples",
    });
  });

  test("knows a model by its Hub id, its folder and its original file", () => {
    const names = ["Salesforce/blip-vqa-base", "/models/blip-vqa-base/", "C:\\models\\blip-vqa-base"];
    for (const name of names) expect(samplesOf(name, {}), name).toEqual(samplesOf("blip-vqa-base", {}));
    expect(samplesOf("./model_base_retrieval_coco.pth", {})).toEqual(samplesOf("blip-itm-base-coco", {}));
    const tasks = (name: string) => samplesOf(name, {}).map(({ expected }) => expected.task);
    expect(tasks("model_base_capfilt_large")).toEqual(["embed", "means", "classify"]);
    // LAVIS's caption and loss belong to its own file, and the notebook's answer to another file than LAVIS's.
    expect(tasks("blip_coco_caption_base")).toEqual(["caption", "loss"]);
    expect([tasks("model_vqa"), tasks("model_base_vqa_capfilt_large")]).toEqual([["ask"], ["ask", "ask"]]);
    expect(publishedSamples.every(({ image }) => image in publishedImages)).toBe(true);
  });
});
