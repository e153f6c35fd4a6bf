// Functions of the Node entry that pages cannot run.
import type { Int8Products } from "@blip-ts/engine";
import type { EvaluateOptions, EvaluationData, EvaluationTask } from "../../evaluate/options.ts";
import type { EvaluationReport } from "../../evaluate/report.ts";
import { onlyInNode } from "../../entry-errors.ts";

/** Evaluates a model on a data set of files; Node only. @throws {UsageError} `usage/only-in-node` */
export const evaluate: (
  task: EvaluationTask,
  data: string | readonly string[] | EvaluationData,
  options?: EvaluateOptions,
) => Promise<EvaluationReport> = () =>
  Promise.reject(
    onlyInNode("evaluate", "It reads and writes files; in a page call a verb's rows and blip-ts/metrics."),
  );

/** Reads a list of answers from a file; Node only. @throws {UsageError} `usage/only-in-node` */
export const readAnswerList: (path: string) => Promise<string[]> = () =>
  Promise.reject(onlyInNode("readAnswerList", "In a page fetch the list and parse its JSON."));

/** Returns how this processor computes 8-bit products; Node only. @throws {UsageError} `usage/only-in-node` */
export const int8Products: () => Promise<Int8Products> = () =>
  Promise.reject(
    onlyInNode("int8Products", "A page computes them in WebAssembly, of which nothing is to be chosen."),
  );
