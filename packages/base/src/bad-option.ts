// An option whose value is not one of those that are valid.
import { UsageError } from "./errors.ts";

export const badOption = (name: string, found: unknown, valid: readonly string[]): UsageError =>
  new UsageError("usage/bad-option", `${name}: expected ${valid.join(" or ")}, found ${String(found)}`, {
    name,
    found,
    valid,
  });
