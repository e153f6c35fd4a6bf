// Checks that the unquantized weights of 8-bit networks are finite. In other networks a non-finite weight shows in the
// result. Here the next product would round it to some number, and the result would be silently wrong. Tables and the
// patch convolution are not checked: their results stay in the residual stream, which is never rounded.
import type { Graph } from "@blip-ts/graph";
import { floatRows, floatsOf, type StoredTensor } from "@blip-ts/checkpoint";
import { allFinite } from "@blip-ts/base";
import { weightsNotFinite } from "./errors.ts";

/** The bytes of weights that were already read, by name. */
export type ReadWeights = ReadonlyMap<string, Uint8Array<ArrayBuffer>>;

/**
 * Whether a weight is a scale of an 8-bit matrix or a vector (norms and biases). At base size there are some 170 per
 * graph, 0.5 MB in total.
 */
function isSmall(name: string, { shape, dtype }: StoredTensor): boolean {
  return dtype.includes("float") && (shape.length <= 1 || name.endsWith(".scale"));
}

/**
 * Checks the scales and vectors of a graph. Weights already in `read` are checked before this returns.
 * @param seen the checks already started, by name, so that weights shared by graphs are checked once
 * @throws {ModelError} `model/not-finite` with the file and the tensor; also if a weight cannot be read
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
