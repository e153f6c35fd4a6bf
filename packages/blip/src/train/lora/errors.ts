// The errors of LoRA's settings with a model: one factory per error. Codes: `train/lora...`.
import { UsageError } from "@blip-ts/base";

const some = (names: readonly string[], most = 12) =>
  names.slice(0, most).join(", ") + (names.length > most ? `, and ${names.length - most} more` : "");

/**
 * LoRA's targets name matrices that the model does not have.
 * @remedy Give other names, by the ends of transformers' names.
 */
export const unknownTarget = (target: string, known: readonly string[]): UsageError =>
  new UsageError(
    "train/lora-target",
    `lora.targets: expected names of matrices of linear layers (${some(known)}), got ${target}. ` +
      "Give other names, as transformers has them.",
    { target, known },
  );

/**
 * `modulesToSave` names modules that the model does not have.
 * @remedy Give other names.
 */
export const unknownModule = (module: string, known: readonly string[]): UsageError =>
  new UsageError(
    "train/lora-module",
    `lora.modulesToSave: expected names of modules (${some(known)}), got ${module}. Give other names.`,
    { module, known },
  );

/**
 * `modulesToSave` names a module that shares the word embeddings.
 * @remedy Name smaller modules.
 */
export const tiedModule = (module: string, weight: string): UsageError =>
  new UsageError(
    "train/lora-module",
    `lora.modulesToSave: expected modules whose weights are their own, got ${module}, which has ${weight}: the LM head and ` +
      "the word embeddings share it. Name smaller modules.",
    { module, weight },
  );

/**
 * The model to train an adapter on lacks weights of the task.
 * @remedy Begin with a model of the task, train without LoRA, or name modules to train whole (`modulesToSave`).
 * @param weights the missing weights
 */
export const incompleteBase = (model: string, task: string, weights: readonly string[]): UsageError =>
  new UsageError(
    "train/lora-base",
    `${model}: expected a model with all weights of ${task}, because an adapter holds only updates of them, got one that lacks ` +
      `${weights.length} (${some(weights, 3)}). Begin with a model of the task, train without LoRA, or name modules ` +
      "to train whole (modulesToSave).",
    { model, task, weights },
  );

/**
 * An option cannot be combined with LoRA.
 * @remedy Leave one of them out.
 */
export const refusedWith = (option: string, why: string): UsageError =>
  new UsageError(
    "train/lora-option",
    `lora: expected no ${option} with it, got both: ${why}. Leave one of them out.`,
    { option },
  );

/**
 * A setting of LoRA is not valid.
 * @remedy Choose a value that the message allows.
 */
export const badLoraOption = (name: string, expected: string, got: unknown): UsageError =>
  new UsageError(
    "usage/bad-option",
    `lora.${name}: expected ${expected}, got ${String(got)}. Choose another value.`,
    { name, expected, got },
  );
