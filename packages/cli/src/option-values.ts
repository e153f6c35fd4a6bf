// Checks values that every option must have.
import type { Command, Option } from "commander";
import { badFlag } from "./errors.ts";

/** An empty text may have a meaning (`--prompt ""`), or an error of its own. */
const isText = ({ flags }: Option): boolean => flags.endsWith("<TEXT>");

/**
 * Refuses options with an empty value, which a shell passes for an unset variable: `--model "$M"`. Otherwise the option
 * would silently count as left out.
 * @throws {UsageError} `usage/bad-option`
 */
export function refuseEmptyValues(command: Command): void {
  for (const option of command.options) {
    const value: unknown = command.getOptionValue(option.attributeName());
    const values: readonly unknown[] = Array.isArray(value) ? value : [value];
    if (values.includes("") && !isText(option))
      throw badFlag(option.long ?? option.flags, "a value", '""', "Give one, or leave the option out.");
  }
}
