// Where in a file a row lies: what an error names, and what an example remembers.

export interface Place {
  /** The file as the user knows it. */
  readonly file: string;
  /** How the form counts: lines from 1, elements of a list from 0, samples of a shard by their key. */
  readonly unit: "file" | "line" | "index" | "row" | "sample" | "entry";
  readonly at: number | string;
}

export const wholeFile = (file: string): Place => ({ file, unit: "file", at: 0 });

/** A place as a message names it: `captions.jsonl, line 3`. */
export type PlaceName = string;

export function placeName({ file, unit, at }: Place): PlaceName {
  if (unit === "file") return shown(file);
  return `${shown(file)}, ${unit} ${typeof at === "string" ? `"${shown(at, 80)}"` : at}`;
}

/** A name or text of a file, fit for a terminal: no control characters, not endless. */
export function shown(text: string, most = 160): string {
  const cut = text.length > most ? `${text.slice(0, most)}...` : text;
  return cut.replace(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu, "\uFFFD");
}
