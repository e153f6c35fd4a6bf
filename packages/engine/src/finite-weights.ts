// Networks of 8 bits: are the numbers beside the matrices finite? Elsewhere one that is not shows in the answer. Here the
// next product would round it to some number, and the answer would be wrong without a word. What is not looked at are
// tables and the patch convolution: what they give stays in the residual stream, which is never rounded.
import type { Graph } from "@blip-ts/graph";
import { floatRows, floatsOf, type StoredTensor } from "@blip-ts/checkpoint";
import { allFinite } from "@blip-ts/base";
import { weightsNotFinite } from "./errors.ts";

/** Bytes of weights that were read already, by name. */
export type ReadWeights = ReadonlyMap<string, Uint8Array<ArrayBuffer>>;

/** Scales of 8-bit matrices, and vectors: norms and biases. At base size some 170 tensors a graph, 0.5 MB together. */
function isSmall(name: string, { shape, dtype }: StoredTensor): boolean {
  return dtype.includes("float") && (shape.length <= 1 || name.endsWith(".scale"));
}

/**
 * Looks at the scales and vectors of a graph. What was read already is looked at before this returns.
 * @param seen what was begun before, by name: weights that graphs share are looked at once
 * @throws {ModelError} `model/not-finite` with the file and the tensor, and where it cannot be read
 */
export async function checkFiniteWeights(
  { weights }: Graph,
  tensors: ReadonlyMap<string, StoredTensor>,
  read: ReadWeights,
  seen: Map<string, Promise<void>>,
): Promise<void> {
  const checks: Promise<void>[] = [];
  for (const { name } of weights) {
    const tensor = tensors.get(name);
    if (!tensor || !isSmall(name, tensor)) continue;
    const check = seen.get(name) ?? checkOne(name, tensor, read.get(name));
    seen.set(name, check);
    checks.push(check);
  }
  await Promise.all(checks);
}

async function checkOne(
  name: string,
  tensor: StoredTensor,
  bytes: Uint8Array<ArrayBuffer> | undefined,
): Promise<void> {
  const expectFinite = (numbers: Float32Array): void => {
    if (!allFinite(numbers)) throw weightsNotFinite(tensor.source.name, name);
  };
  if (bytes) expectFinite(floatsOf(bytes, tensor));
  else for await (const chunk of floatRows(tensor)) expectFinite(chunk);
}
