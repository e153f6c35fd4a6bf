// The mode `demo` against the steps of BLIP's demo (oracle/legacy/demo_goldens.py): images as stored, raw texts, [CLS].
import { afterAll, expect, test } from "vitest";
import { arrayOf } from "@blip-ts/testing";
import { fixture, goldenJson, likelierEnds } from "../../test/support/goldens.ts";
import { nodePlatform } from "../platform/node/node-platform.ts";
import type { Compat } from "../platform.ts";
import { Answerer } from "./ask.ts";
import { Captioner } from "./caption.ts";
import { Comparer } from "./compare.ts";
import { Matcher } from "./match.ts";

interface Golden {
  readonly matches: readonly {
    readonly image: string;
    readonly text: string;
    readonly logits: readonly number[];
    readonly cosine: number;
  }[];
  readonly captions: readonly {
    readonly sepBias: number;
    readonly image: string;
    readonly caption: string;
  }[];
  readonly answers: readonly {
    readonly sepBias: number;
    readonly image: string;
    readonly question: string;
    readonly answer: string;
  }[];
  readonly statements: readonly {
    readonly images: readonly [string, string];
    readonly statement: string;
    readonly probability: number;
  }[];
}

const golden = await goldenJson<Golden>("demo");
const ends = likelierEnds();
afterAll(ends.remove);

const image = (name: string) => fixture(`images/${name}`);
const distinct = <T>(values: readonly T[]): T[] => [...new Set(values)];

/** The largest difference of logits and cosines from the demo's. */
async function worstMatch(compat: Compat): Promise<number> {
  await using matcher = await Matcher.load(nodePlatform, fixture("tiny/match-original"), { compat });
  const images = distinct(golden.matches.map((row) => row.image));
  const texts = distinct(golden.matches.map(({ text }) => text));
  const rows = await arrayOf(matcher.match(images.map(image), texts));
  const differences = rows.flatMap((row, index) => {
    const expected = golden.matches[index];
    if (!("logits" in row) || !expected) throw new Error("a row failed");
    expect([row.image, row.text]).toEqual([image(expected.image), expected.text]);
    return [
      ...row.logits.map((logit, at) => logit - (expected.logits[at] ?? NaN)),
      row.cosine - expected.cosine,
    ];
  });
  expect(differences).toHaveLength(3 * golden.matches.length);
  return Math.max(...differences.map(Math.abs));
}

test("match gives blip_itm's logits and cosines, which no other mode does", async () => {
  // float32 sums in another order.
  expect(await worstMatch("demo")).toBeLessThan(1e-5);
  // hf differs in images with alpha and in texts of over 35 tokens, blip in the first token and the clean-up.
  expect(await worstMatch("hf")).toBeGreaterThan(1e-3);
  expect(await worstMatch("blip")).toBeGreaterThan(1e-2);
});

test("captions are cut by the prompt's characters, as in the notebook", async () => {
  for (const sepBias of distinct(golden.captions.map((row) => row.sepBias))) {
    const cases = golden.captions.filter((row) => row.sepBias === sepBias);
    const folder = await ends.of("pretrain-original", sepBias);
    await using captioner = await Captioner.load(nodePlatform, folder, { compat: "demo" });
    const rows = await arrayOf(captioner.caption(cases.map((row) => image(row.image))));
    expect(rows.map((row) => ("caption" in row ? row.caption : row.error))).toEqual(
      cases.map(({ caption }) => caption),
    );
  }
});

test("answers are to raw questions, cut at 35 tokens", async () => {
  for (const sepBias of distinct(golden.answers.map((row) => row.sepBias))) {
    const cases = golden.answers.filter((row) => row.sepBias === sepBias);
    const folder = await ends.of("vqa-original", sepBias);
    await using answerer = await Answerer.load(nodePlatform, folder, { compat: "demo" });
    const rows = await arrayOf(
      answerer.ask(
        distinct(cases.map((row) => row.image)).map(image),
        distinct(cases.map(({ question }) => question)),
      ),
    );
    expect(rows.map((row) => ("answer" in row ? row.answer : row.error))).toEqual(
      cases.map(({ answer }) => answer),
    );
  }
});

test("statements are read as they are, with [ENC]", async () => {
  await using comparer = await Comparer.load(nodePlatform, fixture("tiny/nlvr-original"), { compat: "demo" });
  for (const { images, statement, probability } of golden.statements) {
    const [left, right] = images;
    const [row] = await arrayOf(comparer.compare([image(left), image(right)], [statement]));
    if (!row || "error" in row) throw new Error("a statement failed");
    expect(row.probability).toBeCloseTo(probability, 5);
  }
});
