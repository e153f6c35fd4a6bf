// Strict loading: compares the model's requirements with the file and reports all differences at once. (BLIP's own
// load_checkpoint ignores tensors that do not fit, which silently leaves a model partly random.)
import { mismatchedTensors, type MismatchedShape, type MismatchedType } from "./errors.ts";
import { intendedReason, type IgnoredTensor, type IntendedGap } from "./intended-gaps.ts";
import type { StoredTensor } from "@blip-ts/checkpoint";

/** The types of stored weights. */
const floats: ReadonlySet<StoredTensor["dtype"]> = new Set(["float32", "float16", "bfloat16", "float64"]);

/**
 * Compares a file with a model's requirements.
 * @param tensors by the names that the model uses
 * @param required the shape of every tensor that the model uses
 * @param intendedGaps tensors that may be present without use
 * @param quantized matrices that are stored as 8-bit numbers with scales; all other weights must be floating-point
 * @returns the tensors that were ignored because of `intendedGaps`
 * @throws {ModelError} `checkpoint/mismatch`, with all missing, unexpected, mis-shaped and mis-typed names
 */
export function checkRequired(
  tensors: ReadonlyMap<string, StoredTensor>,
  required: ReadonlyMap<string, readonly number[]>,
  intendedGaps: readonly IntendedGap[] = [],
  quantized: ReadonlySet<string> = new Set(),
): readonly IgnoredTensor[] {
  const missing: string[] = [];
  const misshaped: MismatchedShape[] = [];
  const mistyped: MismatchedType[] = [];
  for (const [name, expected] of required) {
    const tensor = tensors.get(name);
    if (tensor === undefined) missing.push(name);
    else if (!sameShape(tensor.shape, expected)) misshaped.push({ name, expected, found: tensor.shape });
    else if (!quantized.has(name) && !floats.has(tensor.dtype)) mistyped.push({ name, found: tensor.dtype });
  }
  const unexpected: string[] = [];
  const ignored: IgnoredTensor[] = [];
  for (const name of tensors.keys()) {
    if (required.has(name)) continue;
    const reason = intendedReason(intendedGaps, name);
    if (reason === undefined) unexpected.push(name);
    else ignored.push({ name, reason });
  }
  if (missing.length + unexpected.length + misshaped.length + mistyped.length > 0) {
    const [first] = tensors.values();
    throw mismatchedTensors(first?.source.name ?? "the checkpoint", {
      missing,
      unexpected,
      misshaped,
      mistyped,
    });
  }
  return ignored;
}

function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}
