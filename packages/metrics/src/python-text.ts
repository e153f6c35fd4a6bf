// White space as Python defines it, because the reference programs use Python. It differs from JavaScript's `\s`.

const space = "\\t-\\r\\u001c-\\u0020\\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const spaces = new RegExp(`[${space}]+`, "u");
const spacesAtEnd = new RegExp(`[${space}]+$`, "u");
const spacesAtStart = new RegExp(`^[${space}]+`, "u");

/** Python's `str.split()`: the words between runs of white space. */
export function splitWords(text: string): string[] {
  return text.split(spaces).filter((word) => word !== "");
}

/** Python's `str.rstrip()`. */
export function trimEnd(text: string): string {
  return text.replace(spacesAtEnd, "");
}

/** Python's `str.strip()`. */
export function trim(text: string): string {
  return trimEnd(text).replace(spacesAtStart, "");
}
