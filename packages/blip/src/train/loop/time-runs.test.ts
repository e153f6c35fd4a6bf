// Runs against a fake clock: how many there are, and which ones count.
import { expect, test } from "vitest";
import { secondsPerRun } from "./time-runs.ts";

/** Runs of the given durations in seconds. The last one repeats. */
async function timed(...seconds: readonly number[]) {
  let [now, runs] = [0, 0];
  const run = () => {
    now += 1000 * (seconds[Math.min(runs++, seconds.length - 1)] ?? NaN);
    return Promise.resolve();
  };
  const found = await secondsPerRun(run, () => now);
  return { found, runs };
}

test("the first run, which starts threads, does not count", async () => {
  expect(await timed(3, 0.25)).toEqual({ found: 0.25, runs: 5 });
});

test("short runs are made ten times, and the mean is taken", async () => {
  const { found, runs } = await timed(1, 0.01, 0.03, 0.02);
  expect(runs).toBe(11);
  expect(found).toBeCloseTo(0.02, 9);
});

test("a long run is made once more, a very long one is not", async () => {
  expect(await timed(8, 6)).toEqual({ found: 6, runs: 2 });
  expect(await timed(20, 6)).toEqual({ found: 20, runs: 1 });
});
