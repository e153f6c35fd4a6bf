// Parsers of options.
import { badOption } from "../errors.ts";

/** Returns the parser of an option's number. It throws `world/bad-option` if the number does not fit. */
export const within =
  (flag: string, expected: string, fits: (value: number) => boolean) =>
  (text: string): number => {
    const value = Number(text);
    if (text.trim() !== "" && fits(value)) return value;
    throw badOption(flag, expected, text);
  };

/**
 * Returns the parser of an option's list, separated by commas. It throws `world/bad-option` at an unknown name, and at one
 * that occurs twice.
 */
export const someOf =
  <Name extends string>(flag: string, known: readonly Name[]) =>
  (text: string): readonly Name[] =>
    text.split(",").map((part, at, parts) => {
      const name = known.find((one) => one === part.trim());
      if (name === undefined) throw badOption(flag, `some of ${known.join(", ")}`, part.trim());
      if (parts.findIndex((other) => other.trim() === name) < at)
        throw badOption(flag, "each name once", `${name} twice`);
      return name;
    });
