// Each target for some thousand cases of a fixed seed. `npm run fuzz TARGET MINUTES` runs others.
import { expect, test } from "vitest";
import { fuzz } from "./harness.ts";
import { targets } from "./targets.ts";

const seed = 20220128;

test.each(targets.map((target) => [target.name, target] as const))(
  "%s: nothing but errors on purpose, within bounds of time and memory",
  async (name, target) => {
    const { cases, slowest, megabytes, endings } = await fuzz(target, { seed });
    expect(cases).toBe(target.cases);
    // Inputs that are all refused at the door, or none of them, would test nothing.
    expect(endings.size).toBeGreaterThan(2);
    if (name !== "headers")
      expect([...endings.keys()].some((ending) => /^(?:opened|loaded|read)/.test(ending))).toBe(true);
    console.info(
      `${name}: slowest ${slowest.toFixed(0)} ms, ${megabytes.toFixed(0)} MB`,
      Object.fromEntries(endings),
    );
  },
);

test("names of targets are their own", () => {
  expect(new Set(targets.map(({ name }) => name)).size).toBe(targets.length);
});
