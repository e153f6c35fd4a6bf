// What bench/ takes from the command: probes, what they are given, where they run, and what is said of samples.
/** Inputs that a peer makes by the same formulas. */
export { firstText, pairs } from "./inputs.ts";
/** The package with all that it depends on. */
export { installed, type InstalledPackage } from "./installed.ts";
/** What was measured on. */
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
