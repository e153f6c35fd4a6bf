// LoRA: low-rank updates of frozen matrices.
export { incompleteBase, refusedWith } from "./errors.ts";
export { resolveLora, type LoraOptions, type LoraSettings } from "./settings.ts";
export { withLora, type LoraObjective, type LoraParts } from "./with-lora.ts";
