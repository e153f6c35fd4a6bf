// Rows by index: an index that does not exist is an error, never another row or zeros.
import { floatTensor } from "@blip-ts/graph";
import { describe, expect, test } from "vitest";
import { pickRows, pickTexts } from "./distinct-images.ts";

const ids = { dtype: "int64" as const, dims: [2, 2], data: BigInt64Array.of(1n, 2n, 3n, 4n) };

describe("rows by their places", () => {
  test("come in the order asked for", () => {
    expect([...pickRows(floatTensor([2, 2], [1, 2, 3, 4]), [1, 0, 1]).data]).toEqual([3, 4, 1, 2, 3, 4]);
    expect([...pickTexts({ inputIds: ids, attentionMask: ids }, [1]).inputIds.data]).toEqual([3n, 4n]);
  });

  test.each([-1, 2, NaN])("throw for the place %s", (place) => {
    expect(() => pickRows(floatTensor([2, 2], [1, 2, 3, 4]), [place])).toThrow(RangeError);
    expect(() => pickTexts({ inputIds: ids, attentionMask: ids }, [0, place])).toThrow(RangeError);
  });
});
