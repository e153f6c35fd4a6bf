// A hub's wrong answers, by fixed seeds.
import { expect, test } from "vitest";
import { fuzzHubAnswers } from "./fuzz/hub-answers.ts";

test("whatever a hub answers, nothing but errors of ours come out, and a right one is loaded right afterwards", async () => {
  const fuzzer = await fuzzHubAnswers();
  const outcomes = new Map<string, number>();
  try {
    for (let seed = 1; seed <= 800; seed++) {
      const outcome = await fuzzer.run(seed).catch((error: unknown) => {
        throw new Error(`seed ${seed}`, { cause: error });
      });
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }
  } finally {
    await fuzzer.close();
  }
  // Each kind of refusal has been reached, and so has success.
  expect([...outcomes.keys()]).toEqual(
    expect.arrayContaining([
      ...["right", "hub/bad-answer", "hub/corrupt-download", "hub/http-status", "hub/unreachable"],
      ...["hub/refused-redirect", "hub/no-weights", "hub/not-found", "hub/file-too-large"],
    ]),
  );
});
