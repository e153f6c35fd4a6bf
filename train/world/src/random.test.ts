import { describe, expect, test } from "vitest";
import { Random, shareOf } from "./random.ts";

describe("numbers from a key", () => {
  test("are the same on every machine", () => {
    const random = new Random("world/0");
    expect([random.word(), random.word(), random.word()]).toMatchInlineSnapshot(`
      [
        3908962933,
        2213380766,
        817451623,
      ]
    `);
    expect(shareOf("dog | red")).toMatchInlineSnapshot(`0.46959230583161116`);
  });

  test("differ by key, and are spread evenly", () => {
    expect(new Random("a").word()).not.toBe(new Random("b").word());
    const random = new Random("spread");
    const counts = [0, 0, 0, 0];
    for (let draw = 0; draw < 4000; draw++) {
      const at = random.below(4);
      counts[at] = (counts[at] ?? 0) + 1;
    }
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(110);
  });

  test("weights are kept", () => {
    const random = new Random("weights");
    const drawn = Array.from({ length: 3000 }, () => random.weighted({ rare: 1, often: 9 }));
    const rare = drawn.filter((one) => one === "rare").length;
    expect(rare).toBeGreaterThan(230);
    expect(rare).toBeLessThan(370);
  });
});
