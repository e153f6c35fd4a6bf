import { expect, test } from "vitest";
import { Dice } from "./fuzz/hub-answers.ts";
import { killAndRepeat, killedKinds } from "./support/killed-work.ts";

test.each(killedKinds)("25 kills at random moments of %s", async (kind) => {
  const dice = new Dice(25);
  const report = await killAndRepeat(kind, 25, () => dice.next());
  console.log(`${kind}:`, JSON.stringify(report));
  expect(report.faults).toEqual([]);
  // Most moments are within the work, and some within its writing.
  expect(report.killed).toBeGreaterThan(12);
  expect(report.left).toBeGreaterThan(0);
});
