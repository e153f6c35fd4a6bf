// Checks the first arguments of public calls, which untyped callers may get wrong.
import { badOption, expectOptions, schema, type OptionNames } from "@blip-ts/base";

/** Checks that an argument is a string. @param name the argument's name @throws {UsageError} `usage/bad-option` */
export function expectText(name: string, value: unknown): void {
  if (typeof value !== "string") throw badOption(name, schema.shownValue(value), ["a text"]);
}

/**
 * Checks the model of a call and the names of its options.
 * @throws {UsageError} `usage/bad-option`, `usage/unknown-option`
 */
export function expectCall<Options>(
  call: string,
  source: unknown,
  options: Options | undefined,
  names: OptionNames<NonNullable<Options>>,
): void {
  expectOptions(call, options, names);
  if (typeof source !== "string")
    throw badOption(`${call}'s model`, schema.shownValue(source), [
      "a text (a folder, a file, a Hub id, or picture-book)",
    ]);
}

/** Checks that required options are given. @throws {UsageError} `usage/bad-option` */
export function expectGiven<Options>(call: string, options: Options | undefined): Options {
  if (options === undefined) throw badOption(`${call}'s options`, "nothing", ["an object"]);
  return options;
}
