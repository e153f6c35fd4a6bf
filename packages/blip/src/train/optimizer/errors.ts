// The errors of an optimizer's settings: one factory per error. Codes: `train/...`.
import { UsageError } from "@blip-ts/base";

/**
 * A setting of the optimizer is not valid: a decay rate, a moment, a gradient bound.
 * @remedy Choose a number that the message allows.
 */
export const badOptimizer = (name: string, expected: string, value: number): UsageError =>
  new UsageError(
    "train/optimizer",
    `optimizer, ${name}: expected ${expected}, got ${value}. Choose another number.`,
    { name, expected, value },
  );

/**
 * A number of the learning rate schedule is not valid.
 * @remedy Choose a number that the message allows.
 */
export const badSchedule = (name: string, expected: string, got: number): UsageError =>
  new UsageError(
    "train/schedule",
    `schedule, ${name}: expected ${expected}, got ${got}. Choose another number.`,
    { name, expected, got },
  );
