// Errors of saving a model: one factory per error. Codes are `save/...`.
import { UsageError } from "@blip-ts/base";

/**
 * A model with 8-bit weights cannot be saved, because rounding cannot be undone.
 * @remedy Save the original model.
 */
export const alreadyQuantized = (name: string): UsageError =>
  new UsageError(
    "save/quantized",
    `${name}: expected floating-point weights, got 8-bit ones, which can be run but not written in another form. ` +
      "Give the original model.",
    { name },
  );
