import { expect, test } from "vitest";
import { Dice } from "./fuzz/hub-answers.ts";
import { killAndRepeat, killedKinds } from "./support/killed-work.ts";

test.each(killedKinds)("25 kills at random moments of %s", async (kind) => {
  const dice = new Dice(25);
  const report = await killAndRepeat(kind, { trials: 75, kills: 25, random: () => dice.next() });
  console.log(`${kind}:`, JSON.stringify(report));
  expect(report.faults).toEqual([]);
  expect(report.killed).toBe(25);
  // Some moments are within the writing.
  expect(report.left).toBeGreaterThan(0);
});
