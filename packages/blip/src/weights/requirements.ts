// Strict loading: what the model needs against what the file has, all differences in one report.
// (BLIP's own load_checkpoint drops what does not fit and goes on; a model loaded so is silently partly random.)
import { mismatchedTensors, type MismatchedShape } from "./errors.ts";
import { intendedReason, type IgnoredTensor, type IntendedGap } from "./intended-gaps.ts";
import type { StoredTensor } from "@blip-ts/checkpoint";

/**
 * Compares a file with what a model requires of it.
 * @param tensors by the names that the model uses
 * @param required the shape of every tensor that the model uses
 * @param intendedGaps tensors that may be there without being used
 * @returns the tensors that were left out by declaration
 * @throws {ModelError} `checkpoint/mismatch`, with all missing, unexpected and mis-shaped names
 */
export function checkRequired(
  tensors: ReadonlyMap<string, StoredTensor>,
  required: ReadonlyMap<string, readonly number[]>,
  intendedGaps: readonly IntendedGap[] = [],
): readonly IgnoredTensor[] {
  const missing: string[] = [];
  const misshaped: MismatchedShape[] = [];
  for (const [name, expected] of required) {
    const shape = tensors.get(name)?.shape;
    if (shape === undefined) missing.push(name);
    else if (!sameShape(shape, expected)) misshaped.push({ name, expected, found: shape });
  }
  const unexpected: string[] = [];
  const ignored: IgnoredTensor[] = [];
  for (const name of tensors.keys()) {
    if (required.has(name)) continue;
    const reason = intendedReason(intendedGaps, name);
    if (reason === undefined) unexpected.push(name);
    else ignored.push({ name, reason });
  }
  if (missing.length + unexpected.length + misshaped.length > 0) {
    const [first] = tensors.values();
    throw mismatchedTensors(first?.source.name ?? "the checkpoint", { missing, unexpected, misshaped });
  }
  return ignored;
}

function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}
