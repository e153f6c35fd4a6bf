// The options and the progress of an evaluation.
import { badOption, optionNames } from "@blip-ts/base";
import type { DatasetOptions, PlaceName } from "@blip-ts/datasets";
import type { Thing } from "@blip-ts/metrics";
import { checkUngenerated, type GenerationOptions, generationOptionNames } from "../decode/options.ts";
import { type VerbOptions, verbOptionNames } from "../verbs/image-batches.ts";
import { notSaid } from "./errors.ts";

/** The tasks that can be evaluated. `nocaps` is `caption` with the settings of BLIP's eval_nocaps.py. */
export const evaluationTasks = ["retrieval", "caption", "nocaps", "vqa", "nlvr", "match"] as const;
/** The name of a task that can be evaluated. */
export type EvaluationTask = (typeof evaluationTasks)[number];

/** The progress within a step of an evaluation. */
export interface EvaluationProgress {
  /**
   * `data`: rows read and checked; `texts`: texts encoded; `images`: images encoded; `pairs`: images whose pairs are
   * re-ranked; `rows`: rows evaluated.
   */
  readonly step: "data" | "texts" | "images" | "pairs" | "rows";
  /** The number of finished items of the step. */
  readonly done: number;
  /** The number of all items; undefined while the data is read. */
  readonly total: number | undefined;
  /** The estimated seconds left in this step; undefined until an item is finished. */
  readonly secondsLeft: number | undefined;
}

/** A row that is left out. */
export interface FailedExample {
  /** The file and the row: "captions.jsonl, line 3". */
  readonly place: PlaceName;
  /** The error's code, as in docs/errors.md. */
  readonly code: string;
  /** The reason, in one line. */
  readonly message: string;
}

/** The data of an evaluation, and how to read it. */
export interface EvaluationData extends Omit<DatasetOptions, "onRowError"> {
  /** A file or folder, or several of them to read in order. */
  readonly path: string | readonly string[];
  /** VQA v2, OK-VQA: the annotations file of the questions. Default: none. */
  readonly annotations?: string;
  /** `retrieval`: whether items are clips: folders of frames (MSRVTT), of which 8 are used. Default: false. */
  readonly video?: boolean | undefined;
}

/**
 * Options of an evaluation. Those of generation are for `caption`, `nocaps`, and `vqa` without `answers`. An option that
 * the task does not use is refused.
 */
export interface EvaluateOptions extends VerbOptions, GenerationOptions {
  /** A folder, a weights file, a Hub id, or `picture-book` (default). */
  readonly model?: string | undefined;
  /**
   * The path of the report. Finished rows are stored next to it (`report.rows.jsonl` next to `report.json`), and a
   * stopped run continues from them. Default: nothing is written.
   */
  readonly report?: string | undefined;
  /** Discards the rows of an earlier run. Default: false. */
  readonly restart?: boolean | undefined;
  /** The number of rows to evaluate, from the start of the data. Default: all. */
  readonly limit?: number | undefined;
  /** Images per batch. Default: 4. */
  readonly imageBatchSize?: number | undefined;
  /** `caption`, `nocaps`: the prompt of captions. Default: "a picture of "; none under `hf`. */
  readonly prompt?: string | undefined;
  /**
   * `caption`: things to look for in captions; adds their precision, recall and F1 to the results. Default: none.
   */
  readonly things?: readonly Thing[] | undefined;
  /** `vqa`: the answers to choose from, ranked as in BLIP. Default: generates answers. */
  readonly answers?: readonly string[] | undefined;
  /**
   * `retrieval`: the number of candidates per ranking that ITM scores, or several such numbers. Default: 128 and 256.
   * 0: uses only the cosine. `vqa`: the number of `answers` to rank in full. Default: 128.
   */
  readonly k?: number | readonly number[] | undefined;
  /**
   * `retrieval`: GB (a billion bytes) of image states to cache on disk, next to the report. Images in the cache are
   * encoded once, all others twice. Default: 0. It does not change the results.
   */
  readonly statesCache?: number | undefined;
  /**
   * `caption`, `nocaps`, `vqa`: the path of a submission file for the data set's server. Default: none; for `nocaps`, a
   * file next to the report.
   */
  readonly submission?: string | undefined;
  /** Called with the progress. */
  readonly onStep?: ((progress: EvaluationProgress) => void) | undefined;
  /** Called for each row that is left out, immediately. */
  readonly onFailed?: ((failed: FailedExample) => void) | undefined;
}

export const evaluateOptionNames = optionNames<EvaluateOptions>()({
  ...verbOptionNames,
  ...generationOptionNames,
  model: true,
  report: true,
  restart: true,
  limit: true,
  imageBatchSize: true,
  prompt: true,
  things: true,
  answers: true,
  k: true,
  statesCache: true,
  submission: true,
  onStep: true,
  onFailed: true,
});

/** The tasks that generate texts. */
const generating: readonly EvaluationTask[] = ["caption", "nocaps", "vqa"];

/** For each option that does not apply to all tasks: its tasks. */
const only: Readonly<Partial<Record<keyof EvaluateOptions, readonly EvaluationTask[]>>> = {
  ...Object.fromEntries(Object.keys(generationOptionNames).map((name) => [name, generating])),
  generationConfig: generating,
  prompt: ["caption", "nocaps"],
  things: ["caption", "nocaps"],
  answers: ["vqa"],
  k: ["retrieval", "vqa"],
  statesCache: ["retrieval"],
  submission: ["caption", "nocaps", "vqa"],
};

const isWhole = (value: number, least: number) => Number.isSafeInteger(value) && value >= least;

/** @throws {UsageError} `usage/bad-option`, `generate/conflicting-options` */
export function checkEvaluateOptions(task: EvaluationTask, options: EvaluateOptions): void {
  const values = options as Readonly<Record<string, unknown>>;
  if (!evaluationTasks.includes(task)) throw badOption("task", task, evaluationTasks);
  for (const [name, tasks] of Object.entries(only))
    if (values[name] !== undefined && !tasks.includes(task)) throw notSaid(task, name);
  const { limit, imageBatchSize, statesCache, report, k, numReturn } = options;
  for (const [name, value] of Object.entries({ limit, imageBatchSize }))
    if (value !== undefined && !isWhole(value, 1)) throw badOption(name, value, ["a positive whole number"]);
  if (statesCache !== undefined && !(statesCache >= 0 && Number.isFinite(statesCache)))
    throw badOption("statesCache", statesCache, ["a number of GB of at least 0"]);
  if (statesCache !== undefined && statesCache > 0 && report === undefined)
    throw badOption("statesCache", statesCache, ["0 without the option report, beside which the cache lies"]);
  if (numReturn !== undefined && numReturn !== 1) throw badOption("numReturn", numReturn, ["1"]);
  const ks = k === undefined ? [] : typeof k === "number" ? [k] : k;
  for (const value of ks)
    if (!isWhole(value, task === "vqa" ? 1 : 0))
      throw badOption("k", value, ["a whole number of at least 0"]);
  if (options.answers) checkUngenerated(options);
  if (task === "vqa" && k !== undefined && (ks.length !== 1 || options.answers === undefined))
    throw badOption("k", ks.join(", "), ["one number, with a list of answers"]);
}

/** The distinct values of `k` above 0, for retrieval, in ascending order. */
export const ranksOf = ({ k = [128, 256] }: EvaluateOptions): number[] =>
  [...new Set(typeof k === "number" ? [k] : k)].filter((one) => one > 0).sort((a, b) => a - b);

/** Reports the progress of steps, with the estimated time left. */
export class StepClock {
  readonly #now: () => number;
  readonly #report: EvaluateOptions["onStep"];
  #begun = 0;
  #first = 0;
  #step: EvaluationProgress["step"] = "data";
  #total: number | undefined;

  constructor(now: () => number, report: EvaluateOptions["onStep"]) {
    this.#now = now;
    this.#report = report;
  }

  /** Begins a step. @param done the number of items finished by an earlier run, which do not count for the rate */
  begin(step: EvaluationProgress["step"], done: number, total: number | undefined): void {
    [this.#step, this.#begun, this.#first, this.#total] = [step, this.#now(), done, total];
    this.#report?.({ step, done, total, secondsLeft: undefined });
  }

  done(done: number): void {
    const [rate, total] = [(this.#now() - this.#begun) / 1000 / (done - this.#first), this.#total];
    const known = done > this.#first && total !== undefined;
    const secondsLeft = known ? rate * (total - done) : undefined;
    this.#report?.({ step: this.#step, done, total, secondsLeft });
  }
}
