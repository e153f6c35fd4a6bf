// What can be wrong with the cleaning of a data set: one factory per error. Codes are `capfilt/...`.
import { InputError, UsageError } from "@blip-ts/base";
import type { Difference } from "../evaluate/errors.ts";

/**
 * The folder for the cleaned data set is not empty.
 * @remedy Go on with the run that it holds (`resume`, `--resume`), or name another folder.
 */
export const outOccupied = (out: string, found: string): UsageError =>
  new UsageError(
    "capfilt/out-occupied",
    `${out}: expected a folder that is empty or not there, found ${found}. Go on with the run that it holds (resume: true), or name another folder.`,
    { out, found },
  );

/**
 * The folder to go on with does not hold a run.
 * @remedy Name the run's own folder, or one that is empty or does not exist.
 */
export const notARun = (out: string, found: string): UsageError =>
  new UsageError(
    "capfilt/not-a-run",
    `${out}: expected the folder of a run to go on with, found ${found}. Name the run's own folder, or one that is empty or not there.`,
    { out, found },
  );

/**
 * The folder holds a run with other data, models or options.
 * @remedy Go on with the same ones, or name another folder.
 */
export const otherRun = (log: string, differences: readonly Difference[]): UsageError =>
  new UsageError(
    "capfilt/other-run",
    `${log}: expected the rows of this run, found those of another one: ` +
      differences
        .map(({ what, expected, found }) => `${what}: expected ${expected}, found ${found}`)
        .join("; ") +
      ". Go on with the same data, models and options, or name another folder.",
    { log, differences },
  );

/**
 * A line of the run's log is damaged.
 * @remedy Begin anew in another folder.
 */
export const notALog = (log: string, line: number, found: string): UsageError =>
  new UsageError(
    "capfilt/not-a-log",
    `${log}, line ${line}: expected a row of a run, found ${found}. Begin anew in another folder.`,
    { log, line, found },
  );

/**
 * Another process writes to the folder.
 * @remedy Wait for it, or name another folder.
 */
export const inUse = (log: string, owner: string): UsageError =>
  new UsageError(
    "capfilt/in-use",
    `${log}: expected no other process that writes there, found process ${owner}. Wait for it, or name another folder.`,
    { log, owner },
  );

/**
 * The folder cannot be written.
 * @remedy Free some room there, or name another folder.
 */
export const cannotWrite = (path: string, detail: string, cause?: unknown): UsageError =>
  new UsageError(
    "capfilt/cannot-write",
    `${path}: expected to write there, got "${detail}". Make room there, or name another folder.`,
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
    `${data}: expected at least one row that can be read, found none${failed > 0 ? ` (${failed} are wrong)` : ""}. Correct the data.`,
    { data, failed },
  );

/**
 * The data changed while it was read.
 * @remedy Leave the data alone while it is read, and begin anew.
 */
export const dataChanged = (data: string, row: number): InputError =>
  new InputError(
    "capfilt/data-changed",
    `${data}: expected the rows that were counted before, found other ones from row ${row} on. Leave the data alone while it is read, and begin anew.`,
    { data, row },
  );
