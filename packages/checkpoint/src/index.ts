// Readers and writers of weights files: safetensors, torch's zip and legacy stream, single files or shards.
export { counted, MAX_DETAIL, shown, someOf } from "./errors.ts";
export { floatRows, floatsOf } from "./float-rows.ts";
export { memorySource } from "./memory-source.ts";
export { openCheckpoint } from "./open-checkpoint.ts";
export {
  quantizedMatrices,
  quantizedMetadata,
  type QuantizedRange,
  quantizedTensors,
  readQuantized,
} from "./quantized.ts";
export { readRange } from "./read-range.ts";
export { maxSafetensorsHeader, readSafetensors } from "./safetensors.ts";
export { readSharded, shardsOfIndex } from "./sharded.ts";
export { type JsonLimits, parseStrictJson, type StrictJson } from "./strict-json.ts";
export {
  type Checkpoint,
  type CheckpointFormat,
  elementCount,
  readTensorBytes,
  type StoredTensor,
} from "./stored-tensor.ts";
export {
  type MadeTensor,
  safetensorsBytes,
  safetensorsSource,
  sameTensor,
  tensorBytes,
  type WritableTensors,
} from "./write-safetensors.ts";
