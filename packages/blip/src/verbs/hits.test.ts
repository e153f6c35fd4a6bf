// The selection of candidates and of a video's frames in retrieval.
import { describe, expect, test } from "vitest";
import { best } from "./hits.ts";
import { uniformFrames } from "./video.ts";

describe("what retrieval chooses", () => {
  test("the best places, equals in their order", () => {
    expect(best([0.5, 2, 2, -1], 3)).toEqual([1, 2, 0]);
    expect(best([1], 5)).toEqual([0]);
  });

  test.each<[number, number[]]>([
    [100, [0, 12, 24, 36, 48, 60, 72, 84]],
    [8, [0, 1, 2, 3, 4, 5, 6, 7]],
    [15, [0, 1, 2, 3, 4, 5, 6, 7]],
    [17, [0, 2, 4, 6, 8, 10, 12, 14]],
    [3, [0, 0, 0, 0, 0, 0, 0, 0]],
    [0, []],
  ])("8 of %d frames as BLIP takes them", (frames, expected) => {
    expect(uniformFrames(Array.from({ length: frames }, (_, index) => index))).toEqual(expected);
  });
});
