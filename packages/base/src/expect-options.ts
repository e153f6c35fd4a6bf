// What the options of a call may be called. A misspelt option would otherwise do nothing, and nobody would know.
import { badOption, unknownOption } from "./errors.ts";
import { nearestName } from "./nearest-name.ts";
import { shownValue } from "./schema.ts";

/** The names of all options of type `Options`, each of which has to be there. */
export type OptionNames<Options> = Readonly<Record<keyof Options, true>>;

/**
 * The names of a type's options. The compiler reports an option that was forgotten, and a name that is none.
 * @example const sourceOptionNames = optionNames<SourceOptions>()({ revision: true, offline: true });
 */
export const optionNames =
  <Options extends object>() =>
  <Names extends OptionNames<Options>>(
    names: Names & Record<Exclude<keyof Names, keyof Options>, never>,
  ): OptionNames<Options> =>
    names;

/** The same names without some. */
export function withoutNames<Options, Name extends keyof Options>(
  names: OptionNames<Options>,
  ...left: readonly Name[]
): OptionNames<Omit<Options, Name>> {
  const rest: Partial<Record<keyof Options, true>> = { ...names };
  for (const name of left) Reflect.deleteProperty(rest, name);
  // All but those are there.
  return rest as OptionNames<Omit<Options, Name>>;
}

/** The options of a call that belong to another one which it makes. */
export function picked<Picked extends object>(options: Picked, names: OptionNames<Picked>): Picked {
  const own = Object.entries(options).filter(([name]) => Object.hasOwn(names, name));
  // Only names of Picked are left.
  return Object.fromEntries(own) as Picked;
}

/**
 * Holds the options of a call against their names. Those whose value is undefined are as good as not there.
 * @param call for messages, e.g. "match"
 * @throws {UsageError} `usage/unknown-option`, which names the nearest one, and `usage/bad-option` for what is no object
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
