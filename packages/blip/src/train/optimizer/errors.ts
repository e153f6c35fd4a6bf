// What can be wrong with the settings of an optimizer: one factory per error. Codes are `train/...`.
import { UsageError } from "@blip-ts/base";

/**
 * A setting of the optimizer is not valid: a rate of decay, a moment, a bound of the gradients.
 * @remedy Choose a number that the message allows.
 */
export const badOptimizer = (name: string, expected: string, value: number): UsageError =>
  new UsageError(
    "train/optimizer",
    `optimizer, ${name}: expected ${expected}, got ${value}. Choose another number.`,
    { name, expected, value },
  );

/**
 * A number of the learning rate's schedule is not valid.
 * @remedy Choose a number that the message allows.
 */
export const badSchedule = (name: string, expected: string, got: number): UsageError =>
  new UsageError(
    "train/schedule",
    `schedule, ${name}: expected ${expected}, got ${got}. Choose another number.`,
    { name, expected, got },
  );
