// Options that a task of `evaluate` does not use are refused by name, before anything is loaded.
import { expect, test } from "vitest";
import { evaluate, type EvaluateOptions, type EvaluationData, type EvaluationTask } from "blip-ts";
import type { GenerationOptions } from "../decode/options.ts";
import { checkEvaluateOptions, evaluationTasks } from "./options.ts";

const answers = ["a dog", "snow"];
const values = {
  ...{ beams: 7, maxLength: 3, maxNewTokens: 3, minLength: 1, repetitionPenalty: 2, noRepeatNgram: 2 },
  ...{ sample: true, temperature: 2, topK: 3, topP: 0.5, seed: 1, numReturn: 1 },
  ...{ lengthPenalty: 2, earlyStopping: true, beamScoring: "transformers-5.23" },
} as const satisfies Required<GenerationOptions>;
/** Each option of generation alone. */
const generation = Object.entries(values).map(([name, value]): EvaluateOptions => ({ [name]: value }));
const refusal = (task: EvaluationTask, options: EvaluateOptions): string => {
  try {
    checkEvaluateOptions(task, options);
    return "";
  } catch (error) {
    return (error as Error).message;
  }
};

test.each(evaluationTasks)("%s: the options of generation", (task) => {
  const generates = task === "caption" || task === "nocaps" || task === "vqa";
  for (const options of [...generation, { generationConfig: "model" } as const]) {
    const [name = ""] = Object.keys(options);
    const expected = generates ? "" : `${name}: expected no such option for ${task}, got one. Leave it out.`;
    expect(refusal(task, options)).toBe(expected);
  }
});

test("with a list of answers, which are ranked, none are taken", () => {
  for (const options of generation)
    expect(refusal("vqa", { answers, ...options })).toBe(
      `${Object.keys(options)[0] ?? ""}: expected none with a list of answers, which are ranked and not generated, got both. Leave out the option answers, or these options.`,
    );
  expect(refusal("vqa", { answers, k: 2, limit: 3, beams: undefined })).toBe("");
});

test.each(evaluationTasks.filter((task) => task !== "retrieval"))("%s: no clips", async (task) => {
  await expect(evaluate(task, { path: "nowhere.json", video: true })).rejects.toThrow(
    `video: expected no such option for ${task}, got one. Leave it out.`,
  );
});

test("an unknown way to read the data is refused by name", async () => {
  const data = { path: "nowhere.json", imageroot: "photos" } as EvaluationData;
  await expect(evaluate("match", data)).rejects.toMatchObject({
    code: "usage/unknown-option",
    message: expect.stringMatching(/imageroot.*imageRoot/s) as string,
  });
});

test("a cache of states needs a report, beside which it lies", () => {
  expect(refusal("retrieval", { statesCache: 1 })).toBe(
    "statesCache: expected 0 without the option report, beside which the cache lies, got 1",
  );
  expect(refusal("retrieval", { statesCache: 1, report: "report.json" })).toBe("");
  expect(refusal("retrieval", { statesCache: 0 })).toBe("");
});
