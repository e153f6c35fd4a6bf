// Helpers that the tests of several packages share.
export { arrayOf } from "./array-of.ts";
export {
  floats,
  type LegacyOptions,
  safetensorsOf,
  stateDict,
  type TestStorages,
  type TestTensor,
  torchLegacyOf,
  torchZipOf,
  type TorchZipOptions,
} from "./checkpoint-bytes.ts";
export { failureOf } from "./failure.ts";
export { type TestMember, zipOf, type ZipOptions } from "./zip-bytes.ts";
