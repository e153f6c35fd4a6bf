// Published samples, with stand-ins for the models and pictures that they were published of.
import { describe, expect, test } from "vitest";
import { fixture } from "../../test/support/goldens.ts";
import { nodePlatform } from "../platform/node/node-platform.ts";
import type { ImageInput } from "../platform/node/decode-image.ts";
import { Answerer } from "./ask.ts";
import { Captioner } from "./caption.ts";
import { Matcher } from "./match.ts";
import { publishedPictures, publishedSamples, type Sample } from "./published-samples.ts";
import { samplesOf, verify, type VerifyOptions, type VerifyRow } from "./verify.ts";

const scene = fixture("../examples/scenes/01.png");
const pictureOf = (name: string) => Promise.resolve(name === "scene" ? scene : undefined);
const [match, caption, vqa] = ["match", "caption", "vqa"].map((name) => fixture(`tiny/${name}`));

const sample = (expected: Sample["expected"], more: Partial<Sample> = {}): Sample => ({
  ...{ models: ["stand-in"], picture: "scene", compat: "hf", source: "here" },
  ...more,
  expected,
});

async function rowsOf(model: string | undefined, samples: Sample[], options: VerifyOptions = {}) {
  const rows: VerifyRow[] = [];
  const all = verify<ImageInput>(nodePlatform, model ?? "", (place) => place, {
    ...{ samples, as: "stand-in", pictureOf },
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
      sample({ task: "match", text: "a dog", probability: p, cosine: c, tolerance: 1e-3 });
    const rows = await rowsOf(match, [
      of(probability, cosine),
      of(probability + 9e-4, cosine - 9e-4),
      of(probability + 2e-3, cosine),
      of(probability, cosine + 2e-3),
      sample({ task: "embed", text: "a dog", cosine, tolerance: 1e-4 }),
      sample({ task: "embed", text: "a cat", cosine, tolerance: 1e-4 }),
    ]);
    const wanted = ["equal", "equal", "different", "different", "equal", "different"];
    expect(rows.map(({ verdict }) => verdict)).toEqual(wanted);
    expect(rows[2]?.expected).toContain((probability + 2e-3).toFixed(3));
    expect(rows[2]?.found).toContain(probability.toFixed(3));
  });

  test("compares tokens, texts and answers, under the sample's conventions and picture size", async () => {
    await using captioner = await Captioner.load<ImageInput>(nodePlatform, caption ?? "", { compat: "blip" });
    const said = await first(captioner.caption([scene]));
    await using large = await Captioner.load<ImageInput>(nodePlatform, caption ?? "", {
      ...{ compat: "hf", imageSize: 48 },
    });
    const { tokens } = await first(large.caption([scene]));
    const rows = await rowsOf(caption, [
      sample({ task: "caption", caption: said.caption }, { compat: "blip" }),
      sample({ task: "caption", caption: "two cats" }, { compat: "blip" }),
      sample({ task: "caption", tokens }, { imageSize: 48 }),
      sample({ task: "caption", tokens: [...tokens, 3] }, { imageSize: 48 }),
    ]);
    expect(rows.map(({ verdict }) => verdict)).toEqual(["equal", "different", "equal", "different"]);
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
      sample({ task: "embed", text: "a", cosine: 0, tolerance: 1 }, { picture: "demo.jpg" }),
    ]);
    expect(missing).toMatchObject({
      verdict: "skipped",
      found: expect.stringMatching(/demo\.jpg.*https/) as unknown,
    });
    const broken = { pictureOf: () => Promise.resolve(fixture("images/text.jpg")) };
    const [row] = await rowsOf(
      match,
      [sample({ task: "embed", text: "a", cosine: 0, tolerance: 1 })],
      broken,
    );
    expect(row?.verdict).toBe("skipped");
    expect(row?.found).toMatch(/found text/);
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
    expect(publishedSamples.every(({ picture }) => picture in publishedPictures)).toBe(true);
  });
});
