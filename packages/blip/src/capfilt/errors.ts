// The errors of cleaning a data set: one factory per error. Codes: `capfilt/...`.
import { InputError, UsageError } from "@blip-ts/base";
import type { Difference } from "../evaluate/errors.ts";

/**
 * The folder for the cleaned data set is not empty.
 * @remedy Continue the run that it holds (`resume`, `--resume`), or name another folder.
 */
export const outOccupied = (out: string, found: string): UsageError =>
  new UsageError(
    "capfilt/out-occupied",
    `${out}: expected a folder that is empty or missing, got ${found}. Continue the run that it holds (resume: true), or name another folder.`,
    { out, found },
  );

/**
 * The folder to resume does not hold a run.
 * @remedy Name the run's own folder, or one that is empty or does not exist.
 */
export const notARun = (out: string, found: string): UsageError =>
  new UsageError(
    "capfilt/not-a-run",
    `${out}: expected the folder of a run to resume, got ${found}. Name the run's own folder, or one that is empty or missing.`,
    { out, found },
  );

/**
 * The folder holds a run with other data, models or options.
 * @remedy Continue with the same ones, or name another folder.
 */
export const otherRun = (log: string, differences: readonly Difference[]): UsageError =>
  new UsageError(
    "capfilt/other-run",
    `${log}: expected the rows of this run, got those of another one: ` +
      differences
        .map(({ what, expected, found }) => `${what}: expected ${expected}, got ${found}`)
        .join("; ") +
      ". Continue with the same data, models and options, or name another folder.",
    { log, differences },
  );

/**
 * A line of the run's log is damaged.
 * @remedy Start again in another folder.
 */
export const notALog = (log: string, line: number, found: string): UsageError =>
  new UsageError(
    "capfilt/not-a-log",
    `${log}, line ${line}: expected a row of a run, got ${found}. Start again in another folder.`,
    { log, line, found },
  );

/**
 * Another process writes to the folder.
 * @remedy Wait for it, or name another folder.
 */
export const inUse = (log: string, owner: string): UsageError =>
  new UsageError(
    "capfilt/in-use",
    `${log}: expected no other process that writes there, got process ${owner}. Wait for it, or name another folder.`,
    { log, owner },
  );

/**
 * The folder cannot be written.
 * @remedy Free some space there, or name another folder.
 */
export const cannotWrite = (path: string, detail: string, cause?: unknown): UsageError =>
  new UsageError(
    "capfilt/cannot-write",
    `${path}: expected to write there, got "${detail}". Free some space there, or name another folder.`,
    { path, detail },
    { cause },
  );

/**
 * No row of the data can be read.
 * @remedy Correct the data.
 */
export const noRows = (data: string, failed: number): InputError =>
  new InputError(
    "capfilt/no-rows",
    `${data}: expected at least one row that can be read, got none${failed > 0 ? ` (${failed} are wrong)` : ""}. Correct the data.`,
    { data, failed },
  );

/**
 * The data changed while it was read.
 * @remedy Leave the data unchanged while it is read, and start again.
 */
export const dataChanged = (data: string, row: number): InputError =>
  new InputError(
    "capfilt/data-changed",
    `${data}: expected the rows that were counted before, got other ones from row ${row} on. Leave the data unchanged while it is read, and start again.`,
    { data, row },
  );
