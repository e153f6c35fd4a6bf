// Writes an adapter in PEFT's format: adapter_config.json and adapter_model.safetensors.
import type { MadeTensor, StoredTensor, WritableTensors } from "@blip-ts/checkpoint";
import { prefix } from "./names.ts";

/** The settings of a trained adapter. */
export interface AdapterFacts {
  readonly rank: number;
  readonly alpha: number;
  /** Ends of module paths, as in PEFT's `target_modules`. */
  readonly targets: readonly string[];
  readonly dropout: number;
  readonly rslora: boolean;
  readonly modulesToSave: readonly string[];
  /** The path or id of the base model. */
  readonly base: string;
  /** transformers' class of the base model; undefined if it has none. */
  readonly architecture: string | undefined;
}

/** The text of adapter_config.json, with fields in PEFT's order. */
export function configText(facts: AdapterFacts): string {
  const { rank, alpha, targets, dropout, rslora, modulesToSave, base, architecture } = facts;
  const mapping = {
    base_model_class: architecture,
    parent_library: "transformers.models.blip.modeling_blip",
  };
  const json = {
    alpha_pattern: {},
    auto_mapping: architecture === undefined ? null : mapping,
    base_model_name_or_path: base,
    bias: "none",
    fan_in_fan_out: false,
    inference_mode: true,
    init_lora_weights: true,
    lora_alpha: alpha,
    lora_dropout: dropout,
    modules_to_save: modulesToSave.length > 0 ? modulesToSave : null,
    peft_type: "LORA",
    r: rank,
    rank_pattern: {},
    revision: null,
    target_modules: targets,
    task_type: null,
    use_dora: false,
    use_rslora: rslora,
  };
  return `${JSON.stringify(json, null, 2)}\n`;
}

/** Renames tensors to PEFT's names. @param tensors by the names in this package's graphs */
export const adapterTensors = (tensors: ReadonlyMap<string, StoredTensor | MadeTensor>): WritableTensors =>
  new Map([...tensors].map(([name, tensor]) => [prefix + name, tensor]));
