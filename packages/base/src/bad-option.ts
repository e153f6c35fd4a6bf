// An option whose value is not one of those that are valid.
import { UsageError } from "./errors.ts";

export const badOption = (name: string, value: unknown, valid: readonly string[]): UsageError =>
  new UsageError("usage/bad-option", `${name}: expected ${valid.join(" or ")}, found ${String(value)}`, {
    name,
    found: value,
    valid,
  });
