// What is the same on every platform: named exports only, a line of doc each.
/** The errors that this package throws on purpose. */
export { BlipError, InputError, ModelError, UsageError, type ErrorFields } from "./errors.ts";
/** Tensors in memory. */
export type { Tensor } from "@blip-ts/graph";
