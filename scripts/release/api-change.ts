// What a change of the public API asks of the version. The API is the snapshot of packages/blip/test: a line per type,
// member or signature, so that a line that goes or changes may break a program, and one that comes cannot.

export type Bump = "major" | "minor" | "patch";

export interface ApiChange {
  readonly removed: readonly string[];
  readonly added: readonly string[];
}

/** Lines with the line that they are indented under, so that equal members of two types differ. */
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

/** What the API asks for. Below 1.0.0 a change that may break programs is a minor version (semver 2.0.0, item 4). */
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

/** The step from one version to a later one. @throws Error if it is not later */
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

/** Whether a step is as large as the API asks for. */
export const isEnough = (bump: Bump, needed: Bump): boolean => bumps.indexOf(bump) >= bumps.indexOf(needed);
