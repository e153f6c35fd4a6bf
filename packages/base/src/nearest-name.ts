// The name that somebody who wrote another one may have meant.

import { last, must } from "./must.ts";

/** Letters and digits alone: `batch_size`, `batch-size` and `batchSize` are the same word. */
const folded = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]/g, "");

/** Letters that have to be added, dropped or replaced to make one text of another. */
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

/** Longer names are nobody's slip, and comparing them takes time. */
const longestName = 64;

/**
 * The known name that is nearest to another one; undefined if none is near. Near is a third of its letters changed, or a name
 * that is part of the other.
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
