import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { must } from "@blip-ts/base";
import { floatRows, memorySource, openCheckpoint } from "@blip-ts/checkpoint";
import { halveModel } from "./halve.ts";
import { floats, writeWeights } from "./test-weights.ts";

const folder = mkdtempSync(join(tmpdir(), "halve-"));
afterAll(() => rmSync(folder, { recursive: true }));

async function write(values: readonly number[]): Promise<void> {
  await writeWeights(folder, { w: floats([values.length], values) });
  writeFileSync(join(folder, "config.json"), "{}");
}

test("weights are halves of the same values, beside the model's other files", async () => {
  await write([1, -0.1, 65504, 0]);
  const out = join(folder, "out");
  const bytes = await halveModel(folder, out);
  const file = readFileSync(join(out, "model.safetensors"));
  expect(file.length).toBe(bytes);
  const { tensors } = await openCheckpoint(memorySource("out", file));
  const tensor = tensors.get("w") ?? expect.fail("no weight");
  expect(tensor.dtype).toBe("float16");
  for await (const rows of floatRows(tensor)) {
    expect([must(rows, 0), must(rows, 2), must(rows, 3)]).toEqual([1, 65504, 0]);
    expect(must(rows, 1)).toBeCloseTo(-0.1, 4);
  }
  expect(readFileSync(join(out, "config.json"), "utf8")).toBe("{}");
});

test("a weight that half precision cannot hold is rejected by its name", async () => {
  await write([1, 70_000]);
  await expect(halveModel(folder, join(folder, "large"))).rejects.toThrow(/^w: expected .* got 70000/);
});
