// The errors of an evaluation: one factory per error. Codes: `evaluate/...`.
import { InputError, UsageError } from "@blip-ts/base";

/** A difference between two runs. */
export interface Difference {
  readonly what: string;
  readonly expected: string;
  readonly found: string;
}

/**
 * The report's rows belong to another run: other data, model or options.
 * @remedy Run it as before, name another report (`--out FILE`), or start again (`--restart`).
 */
export const otherRun = (rows: string, differences: readonly Difference[]): UsageError =>
  new UsageError(
    "evaluate/other-run",
    `${rows}: expected the rows of this run, got those of another one: ` +
      differences
        .map(({ what, expected, found }) => `${what}: expected ${expected}, got ${found}`)
        .join("; ") +
      ". Run it as before, or name another file in the option report, or start again (restart: true).",
    { rows, differences },
  );

/**
 * A line next to the report is not a row of an evaluation.
 * @remedy Name another report (`--out FILE`), or start again (`--restart`).
 */
export const notRows = (rows: string, line: number, found: string): UsageError =>
  new UsageError(
    "evaluate/not-rows",
    `${rows}, line ${line}: expected a row of an evaluation, got ${found}. Name another file in the option report, or start again (restart: true).`,
    { rows, line, found },
  );

/**
 * The report, or a file next to it, cannot be written.
 * @remedy Free some space there, or name another report (`--out FILE`).
 */
export const cannotWrite = (path: string, detail: string, cause?: unknown): UsageError =>
  new UsageError(
    "evaluate/cannot-write",
    `${path}: expected to write there, got "${detail}". Free some space there, or name another file in the option report.`,
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
    `${path}: expected no other evaluation that writes there, got process ${owner}. Wait for it, or name another file in the option report.`,
    { path, owner },
  );

/**
 * No row of the data can be read.
 * @remedy Correct the data.
 */
export const noRows = (data: string, failed: number): InputError =>
  new InputError(
    "evaluate/no-rows",
    `${data}: expected at least one row that can be read, got none${failed > 0 ? ` (${failed} are wrong)` : ""}. Correct the data.`,
    { data, failed },
  );

/**
 * A reference caption is longer than the caption metrics read. The row fails; the others continue.
 * @remedy Shorten it.
 */
export const longReference = (most: number, length: number): InputError =>
  new InputError(
    "evaluate/long-reference",
    `captions: expected texts of at most ${most} characters, got one of ${length}. Shorten it.`,
    { most, length },
  );

/**
 * An option does not apply to the evaluated task.
 * @remedy Leave it out.
 */
export const notSaid = (task: string, option: string): UsageError =>
  new UsageError(
    "usage/bad-option",
    `${option}: expected no such option for ${task}, got one. Leave it out.`,
    { task, option },
  );
