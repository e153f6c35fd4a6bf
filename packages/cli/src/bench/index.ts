// The command's exports for bench/: probes, their inputs, their machine, and statistics of samples.
/** Inputs that a peer can compute with the same formulas. */
export { firstText, pairs } from "./inputs.ts";
/** The package with all of its dependencies. */
export { installed, type InstalledPackage } from "./installed.ts";
/** The machine of a measurement. */
export { machine, type Machine } from "./machine.ts";
/** One sample at a time. */
export {
  BenchModels,
  dtypes,
  firstScore,
  prepare,
  type BenchDType,
  type PrepareOptions,
  type Probe,
  type Sample,
} from "./measures.ts";
/** Medians, quartiles, ratios. */
export { ratios, summarize, type Summary } from "./statistics.ts";
