// Many loads of one model at once, in several processes: four trials of the forty that are run by hand.
import { expect, test } from "vitest";
import { Dice } from "./fuzz/hub-answers.ts";
import { loadAtOnce } from "./support/loads-at-once.ts";

test("three processes and three loads in one share one transfer of each file", async () => {
  const dice = new Dice(7);
  expect(await loadAtOnce(4, () => dice.next())).toEqual({ trials: 4, failures: [], resent: 0, littered: 0 });
});
