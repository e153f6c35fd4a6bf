// Adds an adapter's updates to a model's weights: W + scale * B A, in double precision, rounded to float32 once.
import { allFinite, missed, must } from "@blip-ts/base";
import {
  floatRows,
  floatsOf,
  readTensorBytes,
  type MadeTensor,
  type StoredTensor,
} from "@blip-ts/checkpoint";
import { badTensor, notFiniteAdapter, otherBase, unknownModules } from "./errors.ts";
import { moduleOf } from "./names.ts";
import type { Adapter, Update } from "./read-adapter.ts";

type Tensors = ReadonlyMap<string, StoredTensor>;

async function finiteFloats(name: string, tensor: StoredTensor): Promise<Float32Array> {
  const numbers = floatsOf(await readTensorBytes(tensor), tensor);
  if (!allFinite(numbers)) throw notFiniteAdapter(name, tensor.name);
  return numbers;
}

/** Adds rows `first`, `first + 1`, ... of scale * B A to rows of W. */
export function addUpdate(
  rows: Float32Array,
  first: number,
  { down, up, scale, rank }: { down: Float32Array; up: Float32Array; scale: number; rank: number },
): Float32Array {
  const width = down.length / rank;
  const sums = new Float64Array(width);
  for (let row = 0; row * width < rows.length; row++) {
    const start = row * width;
    for (let column = 0; column < width; column++) sums[column] = rows[start + column] ?? missed("number");
    for (let index = 0; index < rank; index++) {
      const factor = scale * (up[(first + row) * rank + index] ?? missed("number"));
      const at = index * width;
      for (let column = 0; column < width; column++)
        sums[column] = (sums[column] ?? missed("number")) + factor * (down[at + column] ?? missed("number"));
    }
    rows.set(sums, start);
  }
  return rows;
}

function merged(name: string, base: StoredTensor, update: Update): MadeTensor {
  const [out, width] = [must(base.shape, 0), must(base.shape, 1)];
  const rank = must(update.down.shape, 0);
  return {
    ...{ dtype: "float32", shape: base.shape, byteLength: 4 * out * width },
    async *bytes() {
      const [down, up] = [await finiteFloats(name, update.down), await finiteFloats(name, update.up)];
      let first = 0;
      for await (const piece of floatRows(base)) {
        // Copy the rows, because they may be a view of a cache.
        const rows = addUpdate(piece.slice(), first, { down, up, scale: update.scale, rank });
        first += rows.length / width;
        yield new Uint8Array(rows.buffer);
      }
    },
  };
}

function replacement(name: string, tensor: StoredTensor): MadeTensor {
  return {
    ...{ dtype: "float32", shape: tensor.shape },
    byteLength: 4 * tensor.shape.reduce((product, size) => product * size, 1),
    async *bytes() {
      const numbers = await finiteFloats(name, tensor);
      yield new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
    },
  };
}

/** The paths of a model's modules that are matrices. */
const matricesIn = (tensors: Tensors): string[] =>
  [...tensors].flatMap(([name, { shape }]) => (shape.length === 2 ? (moduleOf(name) ?? []) : []));

const sameShape = (a: readonly number[], b: readonly number[]) =>
  a.length === b.length && a.every((size, axis) => size === b[axis]);

/**
 * The weights that an adapter changes, with the updates added. Numbers are read only while the weights are written.
 * @param model the base model, for messages
 * @param tensors the base model's tensors, by Hugging Face names
 * @throws {ModelError} `adapter/module`, `adapter/base`, `adapter/shape` if the adapter belongs to another model
 */
export function mergedTensors(model: string, tensors: Tensors, adapter: Adapter): Map<string, MadeTensor> {
  const { name, updates, replaced } = adapter;
  const lacking = [...updates.keys()].filter((module) => !tensors.has(`${module}.weight`));
  const absent = [...replaced.keys()].filter((weight) => !tensors.has(weight));
  if (lacking.length + absent.length > 0)
    throw unknownModules(name, model, [...lacking, ...absent], matricesIn(tensors));
  const made = new Map<string, MadeTensor>();
  for (const [module, update] of updates) {
    const weight = `${module}.weight`;
    const base = tensors.get(weight);
    if (!base) continue;
    const got = [must(update.up.shape, 0), must(update.down.shape, 1)];
    if (!sameShape(base.shape, got)) throw otherBase(name, model, module, { expected: base.shape, got });
    made.set(weight, merged(name, base, update));
  }
  for (const [weight, tensor] of replaced) {
    const base = tensors.get(weight);
    if (base && !sameShape(base.shape, tensor.shape))
      throw badTensor(
        name,
        tensor.name,
        `[${base.shape.join(", ")}], as in ${model}`,
        tensor,
        "Give the base model that the adapter was trained on.",
      );
    made.set(weight, replacement(name, tensor));
  }
  return made;
}
