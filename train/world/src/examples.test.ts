import { expect, test } from "vitest";
import { examples, testRows } from "./examples.ts";

test("examples are the first scenes of the test S0, in order, each with texts that differ", () => {
  const { scenes, pairs } = examples();
  expect(scenes.map(({ image }) => image)).toEqual(
    Array.from({ length: 12 }, (_, index) => `${String(index + 1).padStart(2, "0")}.png`),
  );
  for (const { scene, things, ...texts } of scenes) {
    expect(things.length).toBeGreaterThan(0);
    expect(texts.true).not.toBe(texts.false);
    expect(texts.question).toMatch(/\?$/);
    expect(scene.style).not.toMatch(/openmoji|emojione-v1/);
  }
  const order = testRows("match", 24).map(({ scenes: [scene] }) => scene?.key);
  const places = scenes.map(({ scene }) => order.indexOf(scene.key));
  expect(places).toEqual([...places].sort((a, b) => a - b));
  expect(places[0]).toBe(0);
  expect(pairs).toHaveLength(4);
  expect(new Set(pairs.map(({ label }) => label)).size).toBe(2);
});
