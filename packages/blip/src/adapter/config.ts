// adapter_config.json in PEFT 0.21's form (peft/tuners/lora/config.py): reads the settings that affect numbers, and
// rejects unsupported ones.
import { parseStrictJson } from "@blip-ts/checkpoint";
import { badConfig, notJson, unsupported } from "./errors.ts";

/** Values by module name. The first name that equals or ends a module's path applies. */
export type Pattern = readonly (readonly [name: string, value: number])[];

/** The settings of an adapter that affect numbers. */
export interface AdapterConfig {
  /** The rank r of modules without a matching pattern. */
  readonly rank: number;
  readonly alpha: number;
  /** Whether updates are scaled by alpha / sqrt(r) instead of alpha / r (arXiv 2312.03732). */
  readonly rslora: boolean;
  readonly rankPattern: Pattern;
  readonly alphaPattern: Pattern;
  /** Modules that were trained completely. */
  readonly modulesToSave: readonly string[];
}

const limits = { depth: 8, items: 100_000, uniqueKeys: true };
const maxRank = 65_536;

/** Settings that are ignored, because the tensors show the updated modules, and other settings affect only training. */
const ignored = new Set([
  ...["task_type", "peft_type", "auto_mapping", "peft_version", "base_model_name_or_path", "revision"],
  ...["inference_mode", "r", "target_modules", "exclude_modules", "lora_alpha", "lora_dropout"],
  ...["use_rslora", "modules_to_save", "layers_to_transform", "layers_pattern", "rank_pattern"],
  ...["alpha_pattern", "megatron_core", "loftq_config", "eva_config", "corda_config", "lora_ga_config"],
  ...["qalora_group_size", "runtime_config", "init_lora_weights"],
]);

/** Initializations that do not change the base model. Others (PiSSA, OLoRA, LoftQ, ...) change it. */
const plainBeginnings: readonly unknown[] = [undefined, null, true, false, "gaussian", "orthogonal"];

const isNothing = (value: unknown): boolean =>
  value === null ||
  value === false ||
  value === "" ||
  (typeof value === "object" && Object.keys(value).length === 0);

type Fields = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Rejects settings that change numbers in an unsupported way. @throws {ModelError} `adapter/unsupported` */
function refuseOthers(name: string, fields: Fields): void {
  if (fields.peft_type !== "LORA") throw unsupported(name, "peft_type", fields.peft_type);
  const { bias = "none", init_lora_weights: beginning } = fields;
  if (bias !== "none") throw unsupported(name, "bias", bias);
  if (!plainBeginnings.includes(beginning)) throw unsupported(name, "init_lora_weights", beginning);
  for (const [field, value] of Object.entries(fields))
    if (field !== "bias" && !ignored.has(field) && !isNothing(value)) throw unsupported(name, field, value);
}

/** A supported pattern: the end of a module's path. PEFT allows regular expressions; only `^` is supported here. */
const plainName = /^\^?[\w-]+(\.[\w-]+)*$/;

function patternOf(
  name: string,
  fields: Fields,
  field: "rank_pattern" | "alpha_pattern",
  expected: string,
  isRight: (value: number) => boolean,
): Pattern {
  const value = fields[field] ?? {};
  if (!isObject(value)) throw badConfig(name, field, "an object of numbers by module", value);
  return Object.entries(value).map(([key, number]) => {
    if (!plainName.test(key))
      throw badConfig(name, field, "names of modules, without regular expressions", key);
    if (typeof number !== "number" || !isRight(number))
      throw badConfig(name, `${field}.${key}`, expected, number);
    return [key, number] as const;
  });
}

const isRank = (value: unknown): value is number =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 1 && value <= maxRank;

function namesOf(name: string, fields: Fields, field: string): readonly string[] {
  const value = fields[field] ?? [];
  if (!Array.isArray(value)) throw badConfig(name, field, "a list of names", value);
  return value.map((one: unknown) => {
    if (typeof one !== "string" || one === "") throw badConfig(name, field, "a list of names", one);
    return one;
  });
}

/**
 * @param name the adapter's name, for messages
 * @throws {ModelError} `adapter/config`, `adapter/unsupported`
 */
export async function parseConfig(name: string, text: string): Promise<AdapterConfig> {
  const parsed = await parseStrictJson(text, limits);
  if (!parsed.ok) throw notJson(name, parsed.reason);
  const fields = parsed.value;
  if (!isObject(fields)) throw notJson(name, "it is not an object");
  refuseOthers(name, fields);
  const { r: rank, lora_alpha: alpha, use_rslora: rslora = false } = fields;
  const rankText = `a whole number from 1 to ${maxRank}`;
  if (!isRank(rank)) throw badConfig(name, "r", rankText, rank);
  if (typeof alpha !== "number" || !Number.isFinite(alpha))
    throw badConfig(name, "lora_alpha", "a finite number", alpha);
  if (typeof rslora !== "boolean") throw badConfig(name, "use_rslora", "true or false", rslora);
  return {
    ...{ rank, alpha, rslora },
    rankPattern: patternOf(name, fields, "rank_pattern", rankText, isRank),
    alphaPattern: patternOf(name, fields, "alpha_pattern", "a finite number", Number.isFinite),
    modulesToSave: namesOf(name, fields, "modules_to_save"),
  };
}

/** Whether a name matches a module's path: it equals the path or ends it. `^` marks the beginning. */
const isMeant = (module: string, name: string): boolean =>
  name.startsWith("^") ? module === name.slice(1) : module === name || module.endsWith(`.${name}`);

/** The value of the first matching pattern, or `otherwise`. */
export const valueFor = (pattern: Pattern, module: string, otherwise: number): number =>
  pattern.find(([name]) => isMeant(module, name))?.[1] ?? otherwise;

/** The factor by which an update is multiplied. */
export const scaleOf = (alpha: number, rank: number, rslora: boolean): number =>
  alpha / (rslora ? Math.sqrt(rank) : rank);
