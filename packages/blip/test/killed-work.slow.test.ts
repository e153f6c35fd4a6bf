// Work that is killed by kill -9, until two kills of each kind have left something behind, of the twenty-five by hand.
import { expect, test } from "vitest";
import { Dice } from "./fuzz/hub-answers.ts";
import { killAndRepeat, killedKinds } from "./support/killed-work.ts";

test.each(killedKinds)(
  "%s that is killed leaves nothing half-written, and is right the next time",
  async (kind) => {
    const dice = new Dice(2);
    const report = await killAndRepeat(kind, { trials: 60, enough: 2, random: () => dice.next() });
    expect(report.faults).toEqual([]);
    expect(report.left).toBe(2);
  },
);
