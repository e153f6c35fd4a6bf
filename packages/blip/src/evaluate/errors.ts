// What can be wrong with an evaluation: one factory a failure. Codes are `evaluate/...`.
import { InputError, UsageError } from "@blip-ts/base";

/** What two runs differ in. */
export interface Difference {
  readonly what: string;
  readonly expected: string;
  readonly found: string;
}

export const otherRun = (rows: string, differences: readonly Difference[]): UsageError =>
  new UsageError(
    "evaluate/other-run",
    `${rows}: expected the rows of this run, found those of another one: ` +
      differences
        .map(({ what, expected, found }) => `${what}: expected ${expected}, found ${found}`)
        .join("; ") +
      ". Run it as before, or name another report (--out FILE), or begin anew (--restart).",
    { rows, differences },
  );

export const notRows = (rows: string, line: number, found: string): UsageError =>
  new UsageError(
    "evaluate/not-rows",
    `${rows}, line ${line}: expected a row of an evaluation, found ${found}. Name another report (--out FILE), or begin anew (--restart).`,
    { rows, line, found },
  );

export const cannotWrite = (path: string, detail: string, cause?: unknown): UsageError =>
  new UsageError(
    "evaluate/cannot-write",
    `${path}: expected to write there, got "${detail}". Make room there, or name another report (--out FILE).`,
    { path, detail },
    { cause },
  );

export const inUse = (path: string, owner: string): UsageError =>
  new UsageError(
    "evaluate/in-use",
    `${path}: expected no other evaluation that writes there, found process ${owner}. Wait for it, or name another report (--out FILE).`,
    { path, owner },
  );

export const noRows = (data: string, failed: number): InputError =>
  new InputError(
    "evaluate/no-rows",
    `${data}: expected at least one row that can be read, found none${failed > 0 ? ` (${failed} are wrong)` : ""}. Correct the data.`,
    { data, failed },
  );

export const notSaid = (task: string, option: string): UsageError =>
  new UsageError(
    "usage/bad-option",
    `${option}: expected another task than ${task}, which has no use for it. Leave it out.`,
    { task, option },
  );
