import { expect, test } from "vitest";
import { Dice } from "./fuzz/hub-answers.ts";
import { loadAtOnce } from "./support/loads-at-once.ts";

test("forty trials of three processes and three loads in one", async () => {
  const dice = new Dice(40);
  const report = await loadAtOnce(40, () => dice.next());
  console.log("loads at once:", JSON.stringify(report));
  expect(report).toEqual({ trials: 40, failures: [], resent: 0, littered: 0 });
});
