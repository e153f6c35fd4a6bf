// A form of data for each task of `evaluate`, beside LAVIS; all forms are in evaluation-forms.slow.test.ts.
import { expect, test } from "vitest";
import { evaluationCases } from "./support/evaluation-cases.ts";
import { describeCases, goldenNames } from "./support/evaluation-goldens.ts";

const chosen = ["retrieval karpathy val", "nocaps blip", "vqa v2", "nlvr blip", "match aro relation"];
describeCases(evaluationCases.filter(({ name }) => chosen.includes(name)));

test("every case has its golden numbers", () => {
  expect(evaluationCases.map(({ name }) => name).sort()).toEqual([...goldenNames].sort());
});
