// Work that is killed by kill -9: until two kills of each kind have left something behind, of the twenty-five that are run by hand.
import { expect, test } from "vitest";
import { Dice } from "./fuzz/hub-answers.ts";
import { killAndRepeat, killedKinds } from "./support/killed-work.ts";

test.each(killedKinds)(
  "%s that is killed leaves nothing half-written, and is right the next time",
  async (kind) => {
    const dice = new Dice(2);
    const report = await killAndRepeat(kind, 2, () => 0.2 + 0.4 * dice.next());
    expect(report.faults).toEqual([]);
    expect(report.killed).toBe(2);
  },
);
