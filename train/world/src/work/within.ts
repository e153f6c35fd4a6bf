import { badOption } from "../errors.ts";

/** Returns the parser of an option's number. It throws `world/bad-option` if the number does not fit. */
export const within =
  (flag: string, expected: string, fits: (value: number) => boolean) =>
  (text: string): number => {
    const value = Number(text);
    if (text.trim() !== "" && fits(value)) return value;
    throw badOption(flag, expected, text);
  };
