// Tensors with names and shapes but no data, for tests.
import { memorySource, type StoredTensor } from "@blip-ts/checkpoint";

const source = memorySource("m.pth", new Uint8Array(0));

const stored = (name: string, shape: readonly number[]): StoredTensor => ({
  name,
  dtype: "float32",
  shape,
  source,
  offset: 0,
  byteLength: 4 * shape.reduce((product, size) => product * size, 1),
});

/** Tensors by name, with the given shapes, or with one element each. */
export function storedTensors(
  shapes: Readonly<Record<string, readonly number[]>> | readonly string[],
): Map<string, StoredTensor> {
  const entries = isNames(shapes) ? shapes.map((name) => [name, [1]] as const) : Object.entries(shapes);
  return new Map(entries.map(([name, shape]) => [name, stored(name, shape)]));
}

const isNames = (
  shapes: Readonly<Record<string, readonly number[]>> | readonly string[],
): shapes is readonly string[] => Array.isArray(shapes);
