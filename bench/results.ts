// What a run of the benchmark leaves: every sample, where it was taken, and what was not run.
import { readFile, rename, writeFile } from "node:fs/promises";
import type { Machine } from "@blip-ts/cli/bench";

export type Unit = "s" | "bytes" | "GFLOP/s" | "probability";

export interface Results {
  /** The day, as YYYY-MM-DD. */
  readonly made: string;
  readonly machine: Machine;
  readonly versions: Readonly<Record<string, string>>;
  readonly settings: Settings;
  /** Samples of each lane (`blip-ts image fp32`), in turn with those of its group. */
  readonly samples: Record<string, number[]>;
  readonly units: Record<string, Unit>;
  /** Floating-point operations of a sample, where they do not depend on how it is computed. */
  readonly operations: Record<string, number>;
  /** The batch size that was best for a lane. */
  readonly batches: Record<string, number>;
  /** Why a lane has no samples. */
  notRun: Record<string, string>;
  /** The largest difference between our outputs and transformers' (or, by `candle NAME`, candle's), of outputs up to `scale`. */
  readonly agreement: Record<string, { readonly difference: number; readonly scale: number }>;
  /** Groups whose lanes have all their samples. */
  readonly done: string[];
}

/** What must be the same for samples of two runs to stand in one table. */
export interface Settings {
  readonly runs: number;
  readonly threads: number;
  readonly pairs: number;
  /** Bytes of the two models' weights. */
  readonly models: Readonly<Record<string, number>>;
}

export const readResults = async (file: string) => JSON.parse(await readFile(file, "utf8")) as Results;

/** Whole or not at all, so that a run that was stopped can go on. */
export async function writeResults(file: string, results: Results): Promise<void> {
  await writeFile(`${file}.part`, `${JSON.stringify(results, undefined, 1)}\n`);
  await rename(`${file}.part`, file);
}
