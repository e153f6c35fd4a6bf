// Sampling in turn.
import { expect, test } from "vitest";
import { takeTurns, type Lane } from "./take-turns.ts";

function lane(name: string, log: string[], failsAt = Infinity, warm = false): Lane {
  let calls = 0;
  return {
    name,
    prepare: () =>
      Promise.resolve({
        warm,
        sample: () => {
          log.push(name);
          if (++calls >= failsAt) return Promise.reject(new Error(`${name} is broken`));
          return Promise.resolve({ value: calls });
        },
      }),
  };
}

const options = { runs: 2, warmUp: true, restMilliseconds: 0, report: () => undefined };

test("takes one of each in turn, a warm-up first that is not counted, each turn beginning with another", async () => {
  const log: string[] = [];
  const { samples } = await takeTurns([lane("a", log), lane("b", log)], options);
  expect(log.join("")).toBe("abbaab");
  expect(samples.get("a")).toEqual([{ value: 2 }, { value: 3 }]);
});

test("does not warm up a warm lane, or if warm-up is off", async () => {
  const log: string[] = [];
  const { samples } = await takeTurns([lane("a", log, Infinity, true)], options);
  expect(samples.get("a")).toEqual([{ value: 1 }, { value: 2 }]);
  await takeTurns([lane("b", log)], { ...options, warmUp: false });
  expect(log.join("")).toBe("aabb");
});

test("leaves out a lane that fails, with its samples, and continues with the others", async () => {
  const log: string[] = [];
  const broken: Lane = { name: "c", prepare: () => Promise.reject(new Error("no such model")) };
  const { samples, notRun } = await takeTurns([lane("a", log, 3), lane("b", log), broken], options);
  expect([...samples.keys()]).toEqual(["b"]);
  expect(samples.get("b")).toHaveLength(2);
  expect([...notRun]).toEqual([
    ["c", "no such model"],
    ["a", "a is broken"],
  ]);
});
