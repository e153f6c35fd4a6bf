// Suggests the name that a caller who wrote an unknown one may have meant.

import { last, must } from "./must.ts";

/** Keeps letters and digits only: `batch_size`, `batch-size` and `batchSize` become the same word. */
const folded = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]/g, "");

/** The number of characters to add, drop or replace to turn one text into another. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let index = 0; index < from.length; index++) {
    const next = [index + 1];
    for (let column = 1; column <= to.length; column++)
      next.push(
        Math.min(
          must(row, column) + 1,
          must(next, column - 1) + 1,
          must(row, column - 1) + (from[index] === to[column - 1] ? 0 : 1),
        ),
      );
    row = next;
  }
  return last(row);
}

/** Longer names are not misspellings, and comparing them takes time. */
const longestName = 64;

/**
 * The known name nearest to another name; undefined if none is near. A name is near if at most a third of its letters
 * differ, or if one name contains the other.
 */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  const asked = folded(name);
  if (asked === "" || asked.length > longestName) return undefined;
  const ranked = known
    .map((candidate) => ({ candidate, distance: editDistance(asked, folded(candidate)) }))
    .sort((a, b) => a.distance - b.distance);
  const [first] = ranked;
  if (first && first.distance <= Math.max(1, Math.floor(asked.length / 3))) return first.candidate;
  return asked.length < 4
    ? undefined
    : known.find((candidate) => folded(candidate).includes(asked) || asked.includes(folded(candidate)));
}
