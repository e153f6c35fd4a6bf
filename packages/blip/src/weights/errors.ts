// Errors of a checkpoint's tensor names and shapes: one factory per error.
import { ModelError, type Warning } from "@blip-ts/base";
import { counted, MAX_DETAIL, shown, someOf } from "@blip-ts/checkpoint";

/** The prefix of an adapter's tensors (PEFT). */
const isOfAdapter = (name: string) => name.startsWith("base_model.model.");

/**
 * An adapter was given as a model.
 * @remedy Give its base as the model (`model`, `--model`) and its folder as `adapter` (`--adapter`).
 * @param where the folder or the file that was given as a model
 */
export const adapterAsModel = (where: string): ModelError =>
  new ModelError(
    "model/adapter",
    `${where}: expected a model, got an adapter, which holds updates of a model's weights. Give its base as the model and ` +
      "its folder as the adapter; blip convert BASE OUT --adapter FOLDER makes one model of both.",
    { where },
  );

export const unknownNames = (where: string, names: readonly string[]): ModelError =>
  names.length > 0 && names.every(isOfAdapter) ? adapterAsModel(where) : unknownTensors(where, names);

/**
 * The file holds tensors of another model family, or only a part of a model.
 * @remedy Give the weights of a BLIP model.
 */
const unknownTensors = (where: string, names: readonly string[]): ModelError =>
  new ModelError(
    "checkpoint/dialect",
    `${where}: expected the tensors of a BLIP model (visual_encoder.* or vision_model.*, with a text model), got ` +
      `${names.length === 0 ? "none" : `${names.length} of another kind: ${someOf(names, 5)}`}. ` +
      "This is another model family, or a part of a model.",
    { where, names: names.slice(0, 5) },
  );

/**
 * The tensors mix both of BLIP's naming schemes.
 * @remedy Save one model per file.
 */
export const mixedDialects = (where: string, ...prefixes: readonly string[]): ModelError =>
  new ModelError(
    "checkpoint/dialect",
    `${where}: the tensors are named in two ways at once (${prefixes.map((prefix) => `${prefix}*`).join(" and ")}). ` +
      "Save one model per file.",
    { where, prefixes },
  );

/**
 * The tensors' shapes do not fit a BLIP model.
 * @remedy Give a complete file of a BLIP model.
 */
export const badArchitecture = (where: string, detail: string): ModelError =>
  new ModelError(
    "checkpoint/architecture",
    `${where}: ${shown(detail, MAX_DETAIL)}. The file is incomplete or of a model that is not BLIP.`,
    { where, detail },
  );

/**
 * The file has more layers than any model of this family; nothing was loaded.
 * @remedy Give the weights of a BLIP model.
 */
export const tooManyLayers = (where: string, prefix: string, found: number, limit: number): ModelError =>
  new ModelError(
    "checkpoint/limit",
    `${where}: ${shown(prefix)}: expected at most ${limit} layers, got ${found}. No model of this family has so many; nothing was loaded.`,
    { where, prefix, found, limit },
  );

export interface MismatchedType {
  readonly name: string;
  readonly found: string;
}

export interface MismatchedShape {
  readonly name: string;
  readonly expected: readonly number[];
  readonly found: readonly number[];
}

export interface Mismatch {
  readonly missing: readonly string[];
  readonly unexpected: readonly string[];
  readonly misshaped: readonly MismatchedShape[];
  readonly mistyped: readonly MismatchedType[];
}

/**
 * Tensors are missing or unexpected, or have another shape or type; nothing was loaded.
 * @remedy Check that the configuration belongs to this file, and the file to this task.
 */
export function mismatchedTensors(where: string, mismatch: Mismatch): ModelError {
  const { missing, unexpected, misshaped, mistyped } = mismatch;
  const types = mistyped.map(
    ({ name, found }) => `${shown(name)}: expected floating-point numbers, got ${found}`,
  );
  const shapes = misshaped.map(
    ({ name, expected, found }) =>
      `${shown(name)}: expected [${expected.join(", ")}], got [${found.join(", ")}]`,
  );
  const parts = [
    missing.length > 0 &&
      `${counted(missing.length, "tensor is", "tensors are")} missing (${someOf(missing)})`,
    unexpected.length > 0 &&
      `${counted(unexpected.length, "tensor is", "tensors are")} unexpected (${someOf(unexpected)})`,
    misshaped.length > 0 &&
      `${counted(misshaped.length, "tensor has", "tensors have")} another shape (${someOf(shapes)})`,
    mistyped.length > 0 &&
      `${counted(mistyped.length, "tensor holds", "tensors hold")} numbers of another type (${someOf(types)})`,
  ].filter((part) => part !== false);
  return new ModelError(
    "checkpoint/mismatch",
    `${where}: the file does not fit the model: ${parts.join("; ")}. ` +
      "Nothing was loaded. Check that the configuration belongs to this file and that the file is for this task.",
    { where, ...mismatch },
  );
}

/**
 * All tensor names begin with a training program's prefix, which is removed.
 * @remedy None is needed.
 */
export const prefixLeftOut = (model: string, prefix: string): Warning => ({
  code: "checkpoint/prefix",
  message: `${model}: all tensor names begin with "${prefix}", the prefix of a program that wraps models. It is removed.`,
});
