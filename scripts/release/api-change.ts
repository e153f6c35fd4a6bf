// Computes the version bump that a change of the public API requires. The API is the snapshot in packages/blip/test,
// with one line per type, member or signature. A removed or changed line may break programs; an added line cannot.

export type Bump = "major" | "minor" | "patch";

export interface ApiChange {
  readonly removed: readonly string[];
  readonly added: readonly string[];
}

/**
 * The lines of a snapshot. Each indented line is prefixed with its owner's line, so that equal members of two types
 * differ.
 */
function lines(snapshot: string): ReadonlySet<string> {
  let owner = "";
  const named = snapshot.split("\n").flatMap((line) => {
    if (line.trim() === "") return [];
    if (!line.startsWith(" ")) owner = line;
    return [line.startsWith(" ") ? `${owner}: ${line.trim()}` : line];
  });
  return new Set(named);
}

/** @param before and @param after the snapshots' texts */
export function apiChange(before: string, after: string): ApiChange {
  const [old, now] = [lines(before), lines(after)];
  return {
    removed: [...old].filter((line) => !now.has(line)),
    added: [...now].filter((line) => !old.has(line)),
  };
}

const bumps: readonly Bump[] = ["patch", "minor", "major"];

/**
 * The bump that the API requires. Below 1.0.0 a change that may break programs is a minor version (semver 2.0.0, item
 * 4).
 */
export function neededBump({ removed, added }: ApiChange, version: string): Bump {
  if (removed.length > 0) return version.startsWith("0.") ? "minor" : "major";
  return added.length > 0 && !version.startsWith("0.") ? "minor" : "patch";
}

const parts = (version: string): readonly number[] => {
  const [, ...numbers] = /^(\d+)\.(\d+)\.(\d+)$/.exec(version) ?? [];
  if (numbers.length !== 3)
    throw new Error(`version: expected three numbers such as 1.2.3, got "${version}".`);
  return numbers.map(Number);
};

/** The bump from one version to a later one. @throws Error if it is not later */
export function bumpBetween(from: string, to: string): Bump {
  const [a, b] = [parts(from), parts(to)];
  const changed = b.findIndex((number, index) => number !== a[index]);
  const [was, is] = [a[changed], b[changed]];
  if (was === undefined || is === undefined || is < was)
    throw new Error(
      `version: expected one above ${from}, the last release, got ${to}. Raise it in package.json.`,
    );
  return changed === 0 ? "major" : changed === 1 ? "minor" : "patch";
}

/** Whether a bump is at least the required one. */
export const isEnough = (bump: Bump, needed: Bump): boolean => bumps.indexOf(bump) >= bumps.indexOf(needed);
