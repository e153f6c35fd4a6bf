import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { must } from "@blip-ts/base";
import { floatRows, memorySource, openCheckpoint } from "@blip-ts/checkpoint";
import { addPositions, positions } from "./positions.ts";
import { floats, writeWeights } from "./test-weights.ts";

const folder = mkdtempSync(join(tmpdir(), "positions-"));
afterAll(() => rmSync(folder, { recursive: true }));

const name = "visual_encoder.pos_embed";

const filled = (shape: readonly number[], value: number) =>
  floats(shape, Array<number>(shape.reduce((product, length) => product * length, 1)).fill(value));

const size = (values: readonly number[]): number =>
  Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0) / values.length);

test("half of the dimensions tell the row, the others the column, each with its size and without a mean", () => {
  const [side, width] = [4, 16];
  const added = positions(side, width, { rows: 0.3, columns: 0.6 });
  expect(added).toHaveLength(side * side);
  const at = (patch: number, dimension: number) => must(must(added, patch), dimension);
  const dimensions = Array.from({ length: width }, (_, index) => index);
  const ofRows = dimensions.filter((one) => at(0, one) === at(1, one) && at(0, one) === at(3, one));
  const ofColumns = dimensions.filter((one) => at(0, one) === at(4, one) && at(0, one) === at(12, one));
  expect([...ofRows, ...ofColumns].sort((a, b) => a - b)).toEqual(dimensions);
  expect(ofRows).toHaveLength(width / 2);
  const values = (of: readonly number[]) => of.flatMap((one) => added.map((row) => must(row, one)));
  expect(size(values(ofRows))).toBeCloseTo(0.3);
  expect(size(values(ofColumns))).toBeCloseTo(0.6);
  for (const one of dimensions)
    expect(added.reduce((sum, row) => sum + must(row, one), 0)).toBeCloseTo(0, 10);
});

test("positions are added to the patches, not to the class token; other tensors stay", async () => {
  await writeWeights(folder, { [name]: filled([1, 5, 8], 0.25), other: filled([2], 3) });
  const out = join(folder, "out");
  await addPositions(folder, out, { rows: 0.3, columns: 0.6 });
  const { tensors } = await openCheckpoint(memorySource("out", readFileSync(join(out, "model.safetensors"))));
  const values: number[] = [];
  for await (const rows of floatRows(tensors.get(name) ?? expect.fail("no positions"))) values.push(...rows);
  expect(values.slice(0, 8)).toEqual(Array(8).fill(0.25));
  const expected = positions(2, 8, { rows: 0.3, columns: 0.6 }).flatMap((row) => [...row]);
  values.slice(8).forEach((value, index) => expect(value - 0.25).toBeCloseTo(must(expected, index), 6));
  expect(tensors.get("other")?.shape).toEqual([2]);
});

test.each([
  ["no such tensor", { other: filled([2], 3) }],
  ["[1, 6, 8]", { [name]: filled([1, 6, 8], 0) }],
  ["[1, 5, 6]", { [name]: filled([1, 5, 6], 0) }],
])("refuses a model with %s, and writes nothing", async (got, tensors) => {
  await writeWeights(folder, tensors);
  const out = join(folder, "none");
  await expect(addPositions(folder, out, { rows: 1, columns: 1 })).rejects.toMatchObject({
    code: "world/no-positions",
    fields: { got },
  });
  expect(existsSync(out)).toBe(false);
});
