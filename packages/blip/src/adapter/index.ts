// Adapters in PEFT's format: reading, merging, writing.
export { noAdapters, notAnAdapter, quantizedBase, suiteBase, tooLarge } from "./errors.ts";
export { mergedTensors } from "./merge.ts";
export { endsWithName, isWithin, matricesOf, moduleOf } from "./names.ts";
export { readAdapter, type Adapter } from "./read-adapter.ts";
export { scaleOf } from "./config.ts";
export { adapterTensors, configText } from "./write-adapter.ts";
