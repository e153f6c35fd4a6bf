// A wrong index throws. It reads neither zeros nor another row.
import { evaluate, floatTensor, GraphBuilder, int64Tensor } from "@blip-ts/graph";
import { expect, test } from "vitest";

test("a row that a table does not have", () => {
  const b = GraphBuilder.create("gather");
  const [table, ids] = [b.input("table", "float32", [2, 3]), b.input("ids", "int64", ["N"])];
  b.output("rows", b.gather(table, ids));
  const rowsAt = (id: number) =>
    evaluate(b.build(), { table: floatTensor([2, 3], [1, 2, 3, 4, 5, 6]), ids: int64Tensor([1], [id]) }, () =>
      floatTensor([0], []),
    ).rows?.data;
  expect(rowsAt(1)).toEqual(Float32Array.of(4, 5, 6));
  expect(() => rowsAt(2)).toThrow("number: expected an index within the list.");
});

test("a dimension that a value does not have", () => {
  const b = GraphBuilder.create("dims");
  const x = b.input("x", "float32", ["B", 3]);
  const [B, D] = b.dims(x, "B D");
  expect([B, D]).toEqual(x.shape);
  expect(() => b.dims(x, "B N D")).toThrow(/expected \[B, N, D\]/);
});
