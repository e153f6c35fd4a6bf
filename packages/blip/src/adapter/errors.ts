// Errors of adapters: one factory per error. Codes are `adapter/...`. Names from a file are shortened and stripped of
// control characters before they are shown.
import { ModelError, UsageError } from "@blip-ts/base";
import { shown, someOf } from "@blip-ts/checkpoint";

/** A short description of a value in adapter_config.json. */
function valueOf(value: unknown): string {
  if (value === undefined) return "nothing";
  if (Array.isArray(value)) return `a list of ${value.length}`;
  return typeof value === "object" && value !== null ? "an object" : shown(JSON.stringify(value), 80);
}

const dimsOf = (shape: readonly number[]) => `[${shape.join(", ")}]`;

/**
 * A field of adapter_config.json has a value that LoRA does not allow.
 * @remedy Give the adapter_config.json that PEFT wrote with these weights.
 */
export const badConfig = (name: string, field: string, expected: string, got: unknown): ModelError =>
  new ModelError(
    "adapter/config",
    `${name}/adapter_config.json, ${shown(field, 80)}: expected ${expected}, got ${valueOf(got)}. ` +
      "Give the adapter_config.json that PEFT wrote with these weights.",
    { name, field, expected },
  );

/**
 * adapter_config.json is not a JSON object.
 * @remedy Download the adapter again.
 */
export const notJson = (name: string, reason: string): ModelError =>
  new ModelError(
    "adapter/config",
    `${name}/adapter_config.json: expected a JSON object, got another text (${shown(reason)}). Download the adapter again.`,
    { name, reason },
  );

/**
 * adapter_config.json requires more than plain LoRA, such as DoRA or biases.
 * @remedy Merge the adapter with PEFT (`merge_and_unload`, `save_pretrained`), and load the result.
 */
export const unsupported = (name: string, field: string, got: unknown): ModelError =>
  new ModelError(
    "adapter/unsupported",
    `${name}/adapter_config.json, ${shown(field, 80)}: expected plain LoRA, got ${valueOf(got)}, which blip-ts does not ` +
      "compute. Merge the adapter with PEFT (merge_and_unload, save_pretrained), and load the result.",
    { name, field },
  );

/**
 * The adapter holds tensors of another method than plain LoRA.
 * @remedy Merge the adapter with PEFT, and load the result.
 */
export const unsupportedTensor = (name: string, tensor: string, kind: string): ModelError =>
  new ModelError(
    "adapter/unsupported",
    `${name}, ${shown(tensor)}: expected tensors of plain LoRA, got one of ${kind}, which blip-ts does not compute. ` +
      "Merge the adapter with PEFT (merge_and_unload, save_pretrained), and load the result.",
    { name, tensor },
  );

/**
 * A file of the adapter is larger than an adapter can be.
 * @remedy Name the folder of an adapter.
 */
export const tooLarge = (name: string, what: string, size: number, limit: number): ModelError =>
  new ModelError(
    "adapter/too-large",
    `${name}, ${what}: expected at most ${limit} bytes, got ${size}. Name the folder of an adapter.`,
    { name, size, limit },
  );

/**
 * The adapter's file holds no tensors.
 * @remedy Save the adapter again.
 */
export const noTensors = (name: string): ModelError =>
  new ModelError(
    "adapter/empty",
    `${name}: expected tensors such as base_model.model....query.lora_A.weight, got none. Save the adapter again.`,
    { name },
  );

/**
 * The adapter's file holds a tensor that belongs neither to LoRA nor to `modules_to_save`.
 * @remedy Save the adapter with PEFT's `save_pretrained`.
 */
export const foreignTensor = (name: string, tensor: string): ModelError =>
  new ModelError(
    "adapter/tensor",
    `${name}: expected lora_A and lora_B of modules and the weights of modules_to_save, all below base_model.model., got ` +
      `${shown(tensor)}. Save the adapter with PEFT's save_pretrained.`,
    { name, tensor },
  );

/**
 * A module has lora_A without lora_B, or the reverse.
 * @remedy Download the adapter again.
 */
export const lonely = (name: string, module: string, has: string, lacks: string): ModelError =>
  new ModelError(
    "adapter/tensor",
    `${name}, ${shown(module)}: expected lora_A and lora_B, got ${has} without ${lacks}. Download the adapter again.`,
    { name, module },
  );

/**
 * A tensor of the adapter has an invalid shape or type.
 * @remedy Follow the message; usually, save the adapter again.
 */
export const badTensor = (
  name: string,
  tensor: string,
  expected: string,
  { dtype, shape }: { readonly dtype: string; readonly shape: readonly number[] },
  advice: string,
): ModelError =>
  new ModelError(
    "adapter/shape",
    `${name}, ${shown(tensor)}: expected ${expected}, got ${dtype} ${dimsOf(shape)}. ${advice}`,
    { name, tensor, expected, shape },
  );

/**
 * A tensor's rank differs from the rank in adapter_config.json.
 * @remedy Give the adapter_config.json that belongs to these weights.
 */
export const wrongRank = (
  name: string,
  module: string,
  expected: number,
  shape: readonly number[],
): ModelError =>
  new ModelError(
    "adapter/rank",
    `${name}, ${shown(module)}: expected the rank ${expected} in adapter_config.json (r, rank_pattern), got lora_A ` +
      `${dimsOf(shape)}. Give the adapter_config.json that belongs to these weights.`,
    { name, module, expected, shape },
  );

/**
 * The adapter holds a number that is not finite.
 * @remedy Use an earlier adapter: the training of this one failed.
 */
export const notFiniteAdapter = (name: string, tensor: string): ModelError =>
  new ModelError(
    "adapter/not-finite",
    `${name}, ${shown(tensor)}: expected finite numbers, got one that is not. Its training failed: use an earlier adapter.`,
    { name, tensor },
  );

/**
 * The adapter changes modules that the model does not have.
 * @remedy Give the base model that the adapter was trained on, of the same task.
 */
export const unknownModules = (
  name: string,
  model: string,
  modules: readonly string[],
  known: readonly string[],
): ModelError =>
  new ModelError(
    "adapter/module",
    `${name}: expected modules of ${shown(model)} (${someOf(known, 6)}), got ${someOf(modules, 3)}, which it lacks. ` +
      "Give the base model that the adapter was trained on, of the same task.",
    { name, model, modules: modules.slice(0, 5) },
  );

/**
 * The adapter's matrices have another size than the model's.
 * @remedy Give the base model that the adapter was trained on.
 */
export const otherBase = (
  name: string,
  model: string,
  module: string,
  { expected, got }: { readonly expected: readonly number[]; readonly got: readonly number[] },
): ModelError =>
  new ModelError(
    "adapter/base",
    `${name}, ${shown(module)}: expected an adapter of a matrix ${dimsOf(expected)}, as in ${shown(model)}, got one of ` +
      `${dimsOf(got)}. Give the base model that the adapter was trained on: this one has another size.`,
    { name, model, module, expected, got },
  );

/**
 * `modules_to_save` holds the LM head or the word table, which share their weights.
 * @remedy Merge the adapter with PEFT, and load the result.
 */
export const tiedModule = (name: string, tensor: string): ModelError =>
  new ModelError(
    "adapter/unsupported",
    `${name}, modules_to_save: expected modules whose weights are their own, got ${shown(tensor)}, which the LM head and the ` +
      "word table share. Merge the adapter with PEFT (merge_and_unload, save_pretrained), and load the result.",
    { name, tensor },
  );

/**
 * An adapter cannot be merged into 8-bit weights.
 * @remedy Give the original model; with `dtype: "int8"` it is converted after the merge.
 */
export const quantizedBase = (name: string, model: string): UsageError =>
  new UsageError(
    "adapter/quantized",
    `${name}: expected a base model of floating-point weights, got ${shown(model)}, which holds 8-bit ones. Give the ` +
      'original model; with dtype: "int8" it is converted after the adapter is merged.',
    { name, model },
  );

/**
 * An adapter was given with a suite for several tasks.
 * @remedy Load the class of one task, or write the task's model first with `blip convert`.
 */
export const suiteBase = (name: string, model: string): UsageError =>
  new UsageError(
    "adapter/suite",
    `${name}: expected one model, got the suite ${shown(model)} for several tasks, which share an image encoder. Load one ` +
      "task's class, or write the task's model first (blip convert SUITE OUT --task TASK --adapter FOLDER).",
    { name, model },
  );

/**
 * The platform cannot open adapters.
 * @remedy Give a merged model.
 */
export const noAdapters = (name: string): UsageError =>
  new UsageError(
    "adapter/platform",
    `adapter: expected a platform that opens adapters, got one without openAdapter for ${shown(name)}. Give a merged model.`,
    { name },
  );

/**
 * The folder does not hold an adapter.
 * @remedy Name the folder that PEFT or `blip train --lora` wrote.
 * @param found the names of the folder's files
 */
export const notAnAdapter = (name: string, found: readonly string[], isModel: boolean): UsageError =>
  new UsageError(
    "adapter/not-an-adapter",
    `${shown(name)}: expected a folder with adapter_config.json and adapter_model.safetensors, got ` +
      `${found.length > 0 ? someOf(found, 6) : "none of them"}. ` +
      (isModel
        ? "This is a model: give it as the option model, and leave out the option adapter."
        : found.includes("adapter_model.bin")
          ? "Save the adapter with PEFT's save_pretrained, which writes safetensors."
          : "Name the folder that PEFT or blip train --lora wrote."),
    { name, found: found.slice(0, 12) },
  );
