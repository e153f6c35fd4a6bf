// What can be wrong between LoRA's settings and a model: one factory per error. Codes are `train/lora...`.
import { UsageError } from "@blip-ts/base";

const some = (names: readonly string[], most = 12) =>
  names.slice(0, most).join(", ") + (names.length > most ? `, and ${names.length - most} more` : "");

/**
 * LoRA's targets name matrices that the model does not have.
 * @remedy Name others, by the ends of transformers' names.
 */
export const unknownTarget = (target: string, known: readonly string[]): UsageError =>
  new UsageError(
    "train/lora-target",
    `lora.targets: expected names of matrices that products are made with (${some(known)}), got ${target}. ` +
      "Name others; transformers' names are meant.",
    { target, known },
  );

/**
 * `modulesToSave` names modules that the model does not have.
 * @remedy Name others.
 */
export const unknownModule = (module: string, known: readonly string[]): UsageError =>
  new UsageError(
    "train/lora-module",
    `lora.modulesToSave: expected names of modules (${some(known)}), got ${module}. Name others.`,
    { module, known },
  );

/**
 * `modulesToSave` names a module that shares the table of words.
 * @remedy Name smaller modules.
 */
export const tiedModule = (module: string, weight: string): UsageError =>
  new UsageError(
    "train/lora-module",
    `lora.modulesToSave: expected modules whose weights are their own, got ${module}, which has ${weight}: the LM head and ` +
      "the table of words share it. Name smaller modules.",
    { module, weight },
  );

/**
 * An adapter was to be trained on a model that lacks weights of the task.
 * @remedy Begin with a model of the task, train without LoRA, or name modules that are trained whole
 * (`modulesToSave`).
 * @param weights those that the model lacks
 */
export const incompleteBase = (model: string, task: string, weights: readonly string[]): UsageError =>
  new UsageError(
    "train/lora-base",
    `${model}: expected a model with all weights of ${task}, as an adapter holds updates of them alone, got one that lacks ` +
      `${weights.length} (${some(weights, 3)}). Begin with a model of the task, train without LoRA, or name modules ` +
      "that are trained whole (modulesToSave).",
    { model, task, weights },
  );

/**
 * An option excludes LoRA.
 * @remedy Leave one of them out.
 */
export const refusedWith = (option: string, why: string): UsageError =>
  new UsageError(
    "train/lora-option",
    `lora: expected no ${option} beside it, got both: ${why}. Leave one of them out.`,
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
