import { describe, expect, test } from "vitest";
import { must } from "./must.ts";

describe("must", () => {
  test("gives what stands at an index, also if that is null or 0", () => {
    expect(must(["a", "b"], 1)).toBe("b");
    expect(must([null], 0)).toBeNull();
    expect(must(new Float32Array([0]), 0)).toBe(0);
  });

  test.each([-1, 2, 0.5, NaN, Infinity])("refuses %d of two", (index) => {
    expect(() => must(["a", "b"], index, "text")).toThrow(
      `text: expected an index from 0 to 1, got ${index}.`,
    );
  });

  test("refuses any index of an empty list", () => {
    expect(() => must([], 0)).toThrow(RangeError);
  });
});
