// Checks the names of a call's options. A misspelt option would otherwise be ignored silently.
import { badOption, unknownOption } from "./errors.ts";
import { nearestName } from "./nearest-name.ts";
import { shownValue } from "./schema.ts";

/** The names of all options of type `Options`. Each name must be present. */
export type OptionNames<Options> = Readonly<Record<keyof Options, true>>;

/**
 * The names of a type's options. The compiler reports a missing option and an unknown name.
 * @example const sourceOptionNames = optionNames<SourceOptions>()({ revision: true, offline: true });
 */
export const optionNames =
  <Options extends object>() =>
  <Names extends OptionNames<Options>>(
    names: Names & Record<Exclude<keyof Names, keyof Options>, never>,
  ): OptionNames<Options> =>
    names;

/** A copy of the names without some of them. */
export function withoutNames<Options, Name extends keyof Options>(
  names: OptionNames<Options>,
  ...left: readonly Name[]
): OptionNames<Omit<Options, Name>> {
  const rest: Partial<Record<keyof Options, true>> = { ...names };
  for (const name of left) Reflect.deleteProperty(rest, name);
  // Only the names in `left` are missing.
  return rest as OptionNames<Omit<Options, Name>>;
}

/** Selects the options that belong to another call. */
export function picked<Picked extends object>(options: Picked, names: OptionNames<Picked>): Picked {
  const own = Object.entries(options).filter(([name]) => Object.hasOwn(names, name));
  // Only names of Picked are left.
  return Object.fromEntries(own) as Picked;
}

/**
 * Checks a call's options against the known names. Options whose value is undefined count as absent.
 * @param call the call's name for messages, e.g. "match"
 * @throws {UsageError} `usage/unknown-option`, which names the nearest known option; `usage/bad-option` if `options` is
 * not an object
 */
export function expectOptions<Options>(
  call: string,
  options: Options | undefined,
  names: OptionNames<NonNullable<Options>>,
): void {
  if (options === undefined) return;
  if (typeof options !== "object" || options === null || Array.isArray(options))
    throw badOption(`${call}'s options`, shownValue(options), ["an object"]);
  for (const [name, value] of Object.entries(options))
    if (value !== undefined && !Object.hasOwn(names, name))
      throw unknownOption(
        call,
        name,
        shownValue(name),
        nearestName(name, Object.keys(names)),
        Object.keys(names),
      );
}
