import { describe, expect, test } from "vitest";
import { atLeast, last, missed, must } from "./must.ts";

describe("must", () => {
  test("returns the element at an index, even if it is null or 0", () => {
    expect(must(["a", "b"], 1)).toBe("b");
    expect(must([null], 0)).toBeNull();
    expect(must(new Float32Array([0]), 0)).toBe(0);
  });

  test.each([-1, 2, 0.5, NaN, Infinity])("rejects %d of two", (index) => {
    expect(() => must(["a", "b"], index, "text")).toThrow(
      `text: expected an index from 0 to 1, got ${index}.`,
    );
  });

  test("rejects any index of an empty list", () => {
    expect(() => must([], 0)).toThrow(RangeError);
  });
});

describe("last", () => {
  test("returns the last element", () => {
    expect(last([1, 2])).toBe(2);
  });

  test("rejects an empty list", () => {
    expect(() => last([], "beam")).toThrow("beam: expected an index from 0 to -1, got -1.");
  });
});

describe("atLeast", () => {
  test("returns the list, typed as a tuple", () => {
    const [rows, columns]: readonly [number, number, ...number[]] = atLeast([2, 3, 4], 2);
    expect([rows, columns]).toEqual([2, 3]);
  });

  test("rejects a shorter list", () => {
    expect(() => atLeast([2], 2, "dimension")).toThrow("dimension: expected at least 2 of them, got 1.");
  });
});

test("missed throws if a list has no element", () => {
  const bytes = new Uint8Array([0]);
  const at = (index: number) => bytes[index] ?? missed("byte");
  expect(at(0)).toBe(0);
  expect(() => at(1)).toThrow("byte: expected an index within the list.");
});
