// The things that captions name: terms, boundaries, plurals, scores.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { namedThings, type Thing, thingMetrics } from "../src/index.ts";

const vocabulary: readonly Thing[] = [
  { name: "person", synonyms: ["man", "woman", "child"] },
  { name: "dog", synonyms: ["puppy"] },
  { name: "hot dog" },
  { name: "sheep" },
  { name: "bus" },
  { name: "jack-o'-lantern" },
  { name: "café", plurals: ["cafés"] },
  { name: "scissors", synonyms: ["pair of scissors"] },
];

describe("namedThings", () => {
  test.each<[string, readonly string[]]>([
    ["A man walks two dogs.", ["person", "dog"]],
    ["women, CHILDREN and people", ["person"]],
    ["a hot dog beside a dog", ["hot dog", "dog"]],
    ["hot-dogs", ["hot dog"]],
    ["a doghouse on the busy omnibus", []],
    ["the dog's bone", ["dog"]],
    ["puppies, a bus and buses", ["dog", "bus"]],
    ["a flock of sheep", ["sheep"]],
    ["two jack o lanterns", ["jack-o'-lantern"]],
    ["three cafe\u0301s", ["café"]],
    ["a pair of scissors", ["scissors"]],
    ["dog2 dog_3", ["dog"]],
    ["", []],
  ])("%j names %j", (caption, expected) => {
    expect(namedThings(caption, vocabulary)).toEqual(expected);
  });

  test("a given term takes precedence over a generated plural", () => {
    const glasses = [{ name: "glass" }, { name: "glasses", synonyms: ["spectacles"] }];
    expect(namedThings("two glasses and a glass", glasses)).toEqual(["glasses", "glass"]);
  });

  test("any words: only things of the vocabulary are named, each once", () => {
    const word = fc.stringMatching(/^[a-c]{1,3}( [a-c]{1,2})?$/);
    fc.assert(
      fc.property(fc.uniqueArray(word, { minLength: 1, maxLength: 5 }), fc.string(), (names, noise) => {
        const things = names.map((name) => ({ name, plurals: [] }));
        const caption = `${noise} | ${names.join(" | ")}`;
        const named = namedThings(caption, things);
        for (const name of names) expect(named).toContain(name);
        expect(new Set(named).size).toBe(named.length);
        for (const name of named) expect(names).toContain(name);
      }),
    );
  });
});

describe("thingMetrics", () => {
  test("sums counts over all captions", () => {
    const found = thingMetrics(
      ["a man with a dog", "a bus", "nothing here", "nothing again"],
      [["person", "sheep"], ["bus"], ["dog"], []],
      vocabulary,
    );
    expect(found).toMatchObject({ precision: 2 / 3, recall: 2 / 4, f1: 4 / 7 });
    expect(found.each).toEqual([
      { named: ["person", "dog"], precision: 0.5, recall: 0.5, f1: 0.5 },
      { named: ["bus"], precision: 1, recall: 1, f1: 1 },
      { named: [], precision: 0, recall: 0, f1: 0 },
      { named: [], precision: 1, recall: 1, f1: 1 },
    ]);
  });

  test.each<[string, () => unknown, string]>([
    [
      "no caption",
      () => thingMetrics([], [], vocabulary),
      "captions: expected at least one caption, got none.",
    ],
    ["no vocabulary", () => namedThings("a", []), "vocabulary: expected at least one thing, got none."],
    [
      "lists of another length",
      () => thingMetrics(["a"], [], vocabulary),
      "things: expected one for each of 1 captions, got 0.",
    ],
    [
      "an unknown thing",
      () => thingMetrics(["a"], [["cow"]], vocabulary),
      'things[0]: expected a name of the vocabulary, got "cow".',
    ],
    [
      "a term without letters",
      () => namedThings("a", [{ name: "!" }]),
      "vocabulary[0]: expected at least one letter or digit in each term, got none.",
    ],
    [
      "a term for two things",
      () => namedThings("a", [{ name: "bat" }, { name: "animal", synonyms: ["Bat"] }]),
      'vocabulary: expected a term for one thing, got "bat" for "bat" and "animal". Keep it for one of them.',
    ],
  ])("refuses %s", (_what, call, message) => {
    expect(call).toThrow(message);
  });
});
