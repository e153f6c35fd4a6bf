// A batch that is filled to the graph's size has the loss and the weight of its own rows alone.
import { expect, test } from "vitest";
import { objectiveConfig } from "../../../test/support/objective-config.ts";
import { namedNoise, namedWeight } from "../../../test/support/training-noise.ts";
import { runTraining } from "../../../test/support/training-runs.ts";
import type { ComposedObjective } from "./compose.ts";
import { filledCaptions, filledQuestions, filledStatements } from "./fill.ts";
import { captionObjective, nlvrObjective, vqaObjective } from "./tasks.ts";

const config = { ...objectiveConfig, text: { ...objectiveConfig.text, maxPositions: 8 } };
const paired = { ...config, text: { ...config.text, firstMergeLayer: 0 } };
const options = (batch: number) => ({
  ...{ batch, dropout: 0, dropPath: 0, tokens: { padding: 0, decoder: 21, encoder: 22 } },
});
const images = (perRow: number) => ({
  ...{ size: 2, imageSize: 8, pixels: namedNoise("pixels", [2 * perRow, 3, 8, 8]).data },
});
const texts = [
  [1, 5, 6, 2],
  [1, 7, 8, 9, 2],
];

async function lossAndWeight<Batch>(objective: ComposedObjective<Batch>, batch: Batch) {
  const context = { step: 0, part: 0, seed: 3, run: () => Promise.resolve({}) };
  const inputs = await objective.inputs(batch, context);
  const { outputs } = await runTraining(objective.graph, inputs, namedWeight);
  return [Number(outputs.loss?.data[0]), objective.weight?.(batch)] as const;
}

const captions = { ...images(1), tokens: texts, promptLength: 2 };
const questions = {
  ...{ ...images(1), questions: texts, answers: [...texts, [1, 4, 2]] },
  ...{ weights: [0.5, 0.5, 1], answerCounts: [2, 1] },
};
const statements = { ...images(2), sentences: texts, labels: [1, 0] as const };

test.each([
  [
    "captions",
    lossAndWeight(captionObjective(config, options(2)), captions),
    lossAndWeight(captionObjective(config, options(3)), filledCaptions(captions, 3)),
  ],
  [
    "questions",
    lossAndWeight(vqaObjective(config, options(2)), questions),
    lossAndWeight(vqaObjective(config, options(3)), filledQuestions(questions, 3)),
  ],
  [
    "statements",
    lossAndWeight(nlvrObjective(paired, options(2)), statements),
    lossAndWeight(nlvrObjective(paired, options(3)), filledStatements(statements, 3)),
  ],
])("%s", async (_what, alone, filled) => {
  const [[loss, weight], [other, otherWeight]] = [await alone, await filled];
  expect(loss).toBeGreaterThan(0.1);
  expect(other).toBeCloseTo(loss, 5);
  expect(weight).toBeGreaterThan(0);
  expect(otherWeight).toBe(weight);
});

test("a full batch is left as it is", () => {
  expect(filledCaptions(captions, 2)).toBe(captions);
  expect(filledQuestions(questions, 2)).toBe(questions);
  expect(filledStatements(statements, 2)).toBe(statements);
});
