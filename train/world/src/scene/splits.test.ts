// Tests on many scenes what each split may show, and that its scenes are balanced.
import { describe, expect, test } from "vitest";
import { farStyles, trainingStyles, unseenStyles } from "../art/packages.ts";
import { colourNames } from "../words/colours.ts";
import { conceptsIn, relationOf, sceneKinds, signature, thingsIn, type Scene } from "./graph.ts";
import { colourHeld, fiveHeld, heldOut, heldYaw, ownColour, pairHeld, partOf, placeHeld } from "./holdout.ts";
import { reach } from "./layout.ts";
import { sceneSource, type SceneSource } from "./sample.ts";
import { splits, worlds, type SplitName } from "./settings.ts";

const count = 1500;
const scenes = (
  split: SplitName,
  world: "full" | "small" | "plain" = "full",
): readonly [SceneSource, readonly Scene[]] => {
  const source = sceneSource(world, split, 7);
  return [source, Array.from({ length: count }, (_, number) => source.scene(number))];
};
const [source, training] = scenes("train");
const held = (scene: Scene) => heldOut(scene.place, scene.groups, source.catalogue, scene);
const stylesIn = ({ groups }: Scene) =>
  groups.flatMap(({ things }) => things.map(({ sprite }) => source.catalogue.at(sprite).style));

/** Asserts that all names occur about equally often. */
function expectEven(names: readonly string[], all: readonly string[], tolerance: number): void {
  const mean = names.length / all.length;
  for (const name of all) {
    const times = names.filter((one) => one === name).length;
    expect(Math.abs(times - mean) / mean, `${name}: ${times} of ${names.length}`).toBeLessThan(tolerance);
  }
}

describe("training scenes", () => {
  test("contain no held-out combination", () => {
    expect(training.flatMap(held)).toEqual([]);
  });

  test("contain no scene of the tests, whatever its positions", () => {
    expect(training.filter((scene) => partOf(scene) === "test")).toEqual([]);
  });

  test("contain no unseen style", () => {
    const seen = new Set(training.flatMap(stylesIn));
    expect([...seen].sort()).toEqual([...trainingStyles].sort());
  });

  test("show nothing of the held-out degrees of a panorama", () => {
    const views = training.flatMap(({ view }) => view ?? []);
    expect(views.length).toBeGreaterThan(300);
    for (const { yaw, field } of views) {
      expect(yaw - field / 2).toBeGreaterThanOrEqual(heldYaw);
      expect(yaw + field / 2).toBeLessThanOrEqual(360);
    }
  });

  test("use all things, kinds, colours and places about as often as their shares say", () => {
    expect(new Set(training.flatMap(conceptsIn)).size).toBe(worlds.full.concepts.length);
    for (const kind of sceneKinds) {
      const share = training.filter((scene) => scene.kind === kind).length / count;
      expect(Math.abs(share - (worlds.full.kindShares[kind] ?? 0) / 100), kind).toBeLessThan(0.04);
    }
    expectEven(
      training.flatMap(({ groups }) => groups.flatMap(({ colour }) => colour ?? [])),
      colourNames,
      0.45,
    );
    const real = (kind: string) => training.filter(({ place }) => place.kind === kind).length / count;
    expect(Math.abs(real("plain") - 0.2)).toBeLessThan(0.05);
    expect(Math.abs(real("photo") - 0.4)).toBeLessThan(0.06);
  });
});

describe("the tests' scenes", () => {
  const [, S0] = scenes("S0");
  const [, S1] = scenes("S1");

  test("S0 is like training, with other signatures", () => {
    expect(S0.flatMap(held)).toEqual([]);
    expect(S0.every((scene) => partOf(scene) === "test")).toBe(true);
    const seen = new Set(training.map(signature));
    expect(S0.filter((scene) => seen.has(signature(scene)))).toEqual([]);
    expect(S0.every(({ view }) => view === undefined || Math.abs(view.yaw - heldYaw / 2) <= 10)).toBe(true);
    expect(S0.some(({ augmented }) => augmented)).toBe(false);
  });

  test("each scene of S1 has a held-out combination, and all four kinds occur", () => {
    expect(S1.filter((scene) => held(scene).length === 0)).toEqual([]);
    const groups = S1.flatMap((scene) => scene.groups.map((group) => ({ scene, group })));
    expect(
      groups.some(({ group }) => group.colour !== undefined && colourHeld(group.concept.name, group.colour)),
    ).toBe(true);
    expect(groups.some(({ scene, group }) => placeHeld(group.concept.name, scene.place.name))).toBe(true);
    expect(groups.some(({ group }) => group.count === 5 && fiveHeld(group.concept.name))).toBe(true);
    expect(
      S1.some((scene) => {
        const [first, second] = conceptsIn(scene);
        return first !== undefined && second !== undefined && pairHeld(first, second);
      }),
    ).toBe(true);
  });

  test("S2 and S2b are drawn only in the unseen styles", () => {
    expect(new Set(scenes("S2")[1].flatMap(stylesIn))).toEqual(new Set(unseenStyles));
    expect(new Set(scenes("S2b")[1].flatMap(stylesIn))).toEqual(new Set(farStyles));
    expect(splits.S2.combinations).toBe("never");
  });

  test("counts are even", () => {
    const several = S0.filter(({ kind }) => kind === "count").map((scene) => String(thingsIn(scene)));
    expectEven(several, ["2", "3", "4", "5"], 0.5);
  });
});

describe("held-out shares", () => {
  const things = worlds.full.concepts.map(({ name }) => name);

  test.each([
    ["colours", 0.15, things.flatMap((name) => colourNames.map((colour) => colourHeld(name, colour)))],
    ["pairs", 0.2, things.flatMap((name, at) => things.slice(at + 1).map((other) => pairHeld(name, other)))],
    ["fives", 0.2, things.map(fiveHeld)],
  ] as const)("%s", (_, share, all) => {
    const found = all.filter(Boolean).length / all.length;
    expect(Math.abs(found - share)).toBeLessThan(0.08);
  });

  test("a pair is held out in either order", () => {
    for (const name of things) expect(pairHeld(name, "dog")).toBe(pairHeld("dog", name));
  });
});

describe("a layout", () => {
  test("shows every thing whole, and none below its least size", () => {
    for (const { groups } of training)
      for (const { things } of groups)
        for (const { sprite, x, y, side, angle } of things) {
          const [across, down] = reach({ sprite: source.catalogue.at(sprite), side, angle });
          expect(x - across).toBeGreaterThanOrEqual(0);
          expect(x + across).toBeLessThanOrEqual(1);
          expect(y - down).toBeGreaterThanOrEqual(0);
          expect(y + down).toBeLessThanOrEqual(1);
          expect(side).toBeGreaterThan(0.17);
        }
  });

  test("is the same for the same number, and another for another seed", () => {
    expect(sceneSource("full", "train", 7).scene(3)).toEqual(training[3]);
    expect(sceneSource("full", "train", 8).scene(3)).not.toEqual(training[3]);
  });

  test("relations are opposite from the other side", () => {
    const pairs = training.flatMap(({ groups: [a, b] }) => (a && b ? [[a, b] as const] : []));
    const told = pairs.map(([a, b]) => [relationOf(a, b), relationOf(b, a)].join(" "));
    expect(new Set(told)).toEqual(new Set(["left right", "right left", "above below", "below above", " "]));
  });
});

test("drawings of a held-out colour are not used by chance", () => {
  const own = training.flatMap(({ groups }) =>
    groups.flatMap((group) => {
      const colour = group.colour === undefined ? ownColour(group, source.catalogue) : undefined;
      return colour === undefined ? [] : [colourHeld(group.concept.name, colour)];
    }),
  );
  expect(own.length).toBeGreaterThan(50);
  expect(own).not.toContain(true);
});

describe("the other worlds", () => {
  test("small: 24 things, one or two of them, without photographs", () => {
    const [, small] = scenes("train", "small");
    expect(new Set(small.flatMap(conceptsIn)).size).toBe(24);
    expect(new Set(small.map(({ kind }) => kind))).toEqual(new Set(["single", "pair"]));
    expect(small.some(({ place }) => place.kind === "photo")).toBe(false);
  });

  test("plain: 79 things on plain backgrounds in four styles", () => {
    const [, plain] = scenes("S0", "plain");
    expect(worlds.plain.concepts).toHaveLength(79);
    expect(new Set(plain.map(({ place }) => place.kind))).toEqual(new Set(["plain"]));
    expect(new Set(plain.flatMap(stylesIn)).size).toBe(4);
  });
});
