// White space in Python's sense, which the reference programs use. It differs from JavaScript's `\s`.

const space = "\\t-\\r\\u001c-\\u0020\\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const spaces = new RegExp(`[${space}]+`, "u");
const spacesAtEnd = new RegExp(`[${space}]+$`, "u");
const spacesAtStart = new RegExp(`^[${space}]+`, "u");

/** `str.split()`: the words between runs of white space. */
export function splitWords(text: string): string[] {
  return text.split(spaces).filter((word) => word !== "");
}

/** `str.rstrip()`. */
export function trimEnd(text: string): string {
  return text.replace(spacesAtEnd, "");
}

/** `str.strip()`. */
export function trim(text: string): string {
  return trimEnd(text).replace(spacesAtStart, "");
}
