// The results of a benchmark run: every sample, the machine, and the lanes that were not run.
import { readFile, rename, writeFile } from "node:fs/promises";
import type { Machine } from "@blip-ts/cli/bench";

export type Unit = "s" | "bytes" | "GFLOP/s" | "probability";

export interface Results {
  /** The day, as YYYY-MM-DD. */
  readonly made: string;
  readonly machine: Machine;
  readonly versions: Readonly<Record<string, string>>;
  readonly settings: Settings;
  /** The samples of each lane (`blip-ts image fp32`), taken in turn with the other lanes of its group. */
  readonly samples: Record<string, number[]>;
  readonly units: Record<string, Unit>;
  /** Floating-point operations per sample, if they do not depend on the implementation. */
  readonly operations: Record<string, number>;
  /** The best batch size for a lane. */
  readonly batches: Record<string, number>;
  /** Why a lane has no samples. */
  notRun: Record<string, string>;
  /**
   * The largest difference between our outputs and transformers' (or candle's, under `candle NAME`); outputs reach up
   * to `scale`.
   */
  readonly agreement: Record<string, { readonly difference: number; readonly scale: number }>;
  /** Groups whose lanes all have their samples. */
  readonly done: string[];
}

/** The settings that must be equal for samples of two runs to share a table. */
export interface Settings {
  readonly runs: number;
  readonly threads: number;
  readonly pairs: number;
  /** Bytes of the two models' weights. */
  readonly models: Readonly<Record<string, number>>;
}

export const readResults = async (file: string) => JSON.parse(await readFile(file, "utf8")) as Results;

/** Writes the file whole or not at all, so that a stopped run can continue. */
export async function writeResults(file: string, results: Results): Promise<void> {
  await writeFile(`${file}.part`, `${JSON.stringify(results, undefined, 1)}\n`);
  await rename(`${file}.part`, file);
}
