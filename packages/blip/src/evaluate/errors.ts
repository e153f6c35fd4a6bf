// What can be wrong with an evaluation: one factory per error. Codes are `evaluate/...`.
import { InputError, UsageError } from "@blip-ts/base";

/** What two runs differ in. */
export interface Difference {
  readonly what: string;
  readonly expected: string;
  readonly found: string;
}

/**
 * The report's rows are those of another run: other data, model or options.
 * @remedy Run it as before, name another report (`--out FILE`), or begin anew (`--restart`).
 */
export const otherRun = (rows: string, differences: readonly Difference[]): UsageError =>
  new UsageError(
    "evaluate/other-run",
    `${rows}: expected the rows of this run, found those of another one: ` +
      differences
        .map(({ what, expected, found }) => `${what}: expected ${expected}, found ${found}`)
        .join("; ") +
      ". Run it as before, or name another file in the option report, or begin anew (restart: true).",
    { rows, differences },
  );

/**
 * A line beside the report is not a row of an evaluation.
 * @remedy Name another report (`--out FILE`), or begin anew (`--restart`).
 */
export const notRows = (rows: string, line: number, found: string): UsageError =>
  new UsageError(
    "evaluate/not-rows",
    `${rows}, line ${line}: expected a row of an evaluation, found ${found}. Name another file in the option report, or begin anew (restart: true).`,
    { rows, line, found },
  );

/**
 * The report, or a file beside it, cannot be written.
 * @remedy Free some room there, or name another report (`--out FILE`).
 */
export const cannotWrite = (path: string, detail: string, cause?: unknown): UsageError =>
  new UsageError(
    "evaluate/cannot-write",
    `${path}: expected to write there, got "${detail}". Make room there, or name another file in the option report.`,
    { path, detail },
    { cause },
  );

/**
 * Another evaluation writes to the same report.
 * @remedy Wait for it, or name another report (`--out FILE`).
 */
export const inUse = (path: string, owner: string): UsageError =>
  new UsageError(
    "evaluate/in-use",
    `${path}: expected no other evaluation that writes there, found process ${owner}. Wait for it, or name another file in the option report.`,
    { path, owner },
  );

/**
 * No row of the data can be read.
 * @remedy Correct the data.
 */
export const noRows = (data: string, failed: number): InputError =>
  new InputError(
    "evaluate/no-rows",
    `${data}: expected at least one row that can be read, found none${failed > 0 ? ` (${failed} are wrong)` : ""}. Correct the data.`,
    { data, failed },
  );

/**
 * An option has no use for the task that is evaluated.
 * @remedy Leave it out.
 */
export const notSaid = (task: string, option: string): UsageError =>
  new UsageError(
    "usage/bad-option",
    `${option}: expected another task than ${task}, which has no use for it. Leave it out.`,
    { task, option },
  );
