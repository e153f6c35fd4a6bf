// Tests the judge: which tests a model gets, how scores are taken from reports, and the table.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { must } from "@blip-ts/base";
import { afterAll, expect, test } from "vitest";
import { readLines, writeJson } from "../work/files.ts";
import type { Blip } from "../work/program.ts";
import { writeCards } from "./command.ts";
import { judge, table, type JudgeOptions } from "./judge.ts";
import { scoresOf, type Results } from "./scores.ts";
import { judgedTaskNames } from "./tests.ts";

const folder = mkdtempSync(join(tmpdir(), "judge-test-"));
afterAll(() => rmSync(folder, { recursive: true }));

const results: Results = {
  match: {
    itm: { rankedRight: 0.9, accuracy: 0.725, recall: 0.6 },
    cosine: { rankedRight: 0.7 },
    byGroup: { size: { rankedRight: 0.5 }, colour: { rankedRight: 0.75 } },
  },
  caption: { ciderD: 1.234, bleu4: 0.5, things: { precision: 0.5, recall: 0.5, f1: 0.5 } },
  retrieval: { reranked: { k16: { imageToText: { r1: 40 }, textToImage: { r1: 60 } } } },
  vqa: { accuracy: 81, byQuestionType: { where: 90, count: 70 } },
  nlvr: { accuracy: 0.55 },
};

const after = (args: readonly string[], flag: string): string => must(args, args.indexOf(flag) + 1);

/** A stand-in for `blip eval`. It keeps its calls. */
function evaluator(): { readonly calls: (readonly string[])[]; readonly blip: Blip } {
  const calls: (readonly string[])[] = [];
  return {
    calls,
    blip: ({ args }) => {
      calls.push(args);
      const task = must(args, 1) as keyof Results;
      writeJson(after(args, "--out"), {
        ...{ version: "9", model: { sha256: `weights of ${task}` }, rows: 1, results: results[task] },
      });
      return Promise.resolve();
    },
  };
}

const options: JudgeOptions = {
  ...{ model: "some/model", sets: ["S0", "plain"], tasks: judgedTaskNames, share: 0.01, blind: true },
  ...{ work: join(folder, "work"), threads: 1, say: () => undefined },
};

test("false captions under 0.5 follow from accuracy and recall", () => {
  // Of 100 true captions, 60 are over 0.5; so are 15 of 100 false ones: 145 of 200 are right.
  expect(scoresOf("match", results.match)["false under 0.5"]).toBeCloseTo(85, 9);
  const none = { ...results.match, itm: { rankedRight: 0.5, accuracy: 0.3, recall: 0 } };
  expect(scoresOf("match", none)["false under 0.5"]).toBeCloseTo(60, 9);
});

test("each set and task is drawn once, evaluated with the same model, and listed", async () => {
  const { calls, blip } = evaluator();
  const judged = await judge(options, blip);
  expect(calls.map(([, task]) => task)).toEqual([...judgedTaskNames, ...judgedTaskNames]);
  for (const args of calls) expect(after(args, "--model")).toBe("some/model");
  expect(calls.filter((args) => args.includes("--things")).map(([, task]) => task)).toEqual([
    "caption",
    "caption",
  ]);
  expect(judged).toMatchObject({
    ...{ version: "9", blind: true, weights: { nlvr: "weights of nlvr" } },
    scenes: { match: 10, caption: 5, retrieval: 3, vqa: 10, nlvr: 20 },
    scores: { plain: { "answers: accuracy": 81, "statements: accuracy": 55.00000000000001 } },
  });
  const rows = readLines(must(must(calls, 0), 2)) as readonly { readonly true_caption: string }[];
  expect(rows).toHaveLength(10);
  expect(table(judged)).toMatchInlineSnapshot(`
    "|                            | S0     | plain  |
    | -------------------------- | ------ | ------ |
    | true over false            | 90.0 % | 90.0 % |
    | true over false: colour    | 75.0 % | 75.0 % |
    | true over false: size      | 50.0 % | 50.0 % |
    | true over false, by cosine | 70.0 % | 70.0 % |
    | true over 0.5              | 60.0 % | 60.0 % |
    | false under 0.5            | 85.0 % | 85.0 % |
    | things in captions: F1     | 50.0 % | 50.0 % |
    | captions: CIDEr-D          | 1.23   | 1.23   |
    | captions: BLEU-4           | 50.0 % | 50.0 % |
    | text to image: R@1         | 60.0 % | 60.0 % |
    | image to text: R@1         | 40.0 % | 40.0 % |
    | answers: accuracy          | 81.0 % | 81.0 % |
    | answers: count             | 70.0 % | 70.0 % |
    | answers: where             | 90.0 % | 90.0 % |
    | statements: accuracy       | 55.0 % | 55.0 % |"
  `);
});

test("a card has the scores between its marks, with a blind model's beside them", () => {
  const judged = (accuracy: number) => ({ scores: { S0: { "answers: accuracy": accuracy } } });
  const [scores, blind, page] = ["scores.json", "blind.json", "card.md"].map((name) => join(folder, name));
  if (scores === undefined || blind === undefined || page === undefined) throw new Error("three paths");
  writeJson(scores, judged(90));
  writeJson(blind, judged(45));
  writeFileSync(page, "# Card\n\n<!-- scores -->\nold\n<!-- /scores -->\n\nEnd\n");
  writeCards(scores, [page], blind);
  expect(readFileSync(page, "utf8").split("\n")).toEqual([
    ...["# Card", "", "<!-- scores -->", ""],
    "|                   | S0     | S0, blind |",
    "| ----------------- | ------ | --------- |",
    "| answers: accuracy | 90.0 % | 45.0 %    |",
    ...["", "<!-- /scores -->", "", "End", ""],
  ]);
  writeFileSync(page, "# Card\n");
  expect(() => writeCards(scores, [page])).toThrow("expected the mark <!-- scores -->");
});
