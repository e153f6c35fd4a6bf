// The place of a row in a file, for errors and examples.

export interface Place {
  /** The file, by the name that the user knows. */
  readonly file: string;
  /** The unit of `at`: lines from 1, elements of a list from 0, samples of a shard by their key. */
  readonly unit: "file" | "line" | "index" | "row" | "sample" | "entry";
  readonly at: number | string;
}

export const wholeFile = (file: string): Place => ({ file, unit: "file", at: 0 });

/** A place as text for messages: `captions.jsonl, line 3`. */
export type PlaceName = string;

export function placeName({ file, unit, at }: Place): PlaceName {
  if (unit === "file") return shown(file);
  return `${shown(file)}, ${unit} ${typeof at === "string" ? `"${shown(at, 80)}"` : at}`;
}

/** A name or text from a file, safe for a terminal: shortened, without control characters. */
export function shown(text: string, most = 160): string {
  const cut = text.length > most ? `${text.slice(0, most)}...` : text;
  return cut.replace(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu, "\uFFFD");
}
