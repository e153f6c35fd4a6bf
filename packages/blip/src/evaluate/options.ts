// What an evaluation is told, and what it tells while it runs.
import { badOption, optionNames } from "@blip-ts/base";
import type { DatasetOptions, PlaceName } from "@blip-ts/datasets";
import type { Thing } from "@blip-ts/metrics";
import { type GenerationOptions, generationOptionNames } from "../decode/options.ts";
import { type VerbOptions, verbOptionNames } from "../verbs/image-batches.ts";
import { notSaid } from "./errors.ts";

/** What can be evaluated. `nocaps` is `caption` with the settings of BLIP's eval_nocaps.py. */
export const evaluationTasks = ["retrieval", "caption", "nocaps", "vqa", "nlvr", "match"] as const;
/** What can be evaluated. */
export type EvaluationTask = (typeof evaluationTasks)[number];

/** How far an evaluation is in one of its steps. */
export interface EvaluationProgress {
  /**
   * `data`: rows read and checked; `texts`: texts encoded; `images`: images encoded; `pairs`: images whose pairs are
   * re-ranked; `rows`: rows evaluated.
   */
  readonly step: "data" | "texts" | "images" | "pairs" | "rows";
  /** Rows that are done. */
  readonly done: number;
  /** Undefined while the data is read: how many rows there are is not known before. */
  readonly total: number | undefined;
  /** Seconds left in this step at the rate so far, once something was done. */
  readonly secondsLeft: number | undefined;
}

/** A row of the data that is left out. */
export interface FailedExample {
  /** File and row: "captions.jsonl, line 3". */
  readonly place: PlaceName;
  /** The error's code, as in docs/errors.md. */
  readonly code: string;
  /** What is wrong, in one line. */
  readonly message: string;
}

/** The data of an evaluation, and how it is read. */
export interface EvaluationData extends Omit<DatasetOptions, "onRowError"> {
  /** A file or folder, or several, which are read one behind the other. */
  readonly path: string | readonly string[];
  /** VQA v2, OK-VQA: the file of annotations that belongs to the questions. None unless told. */
  readonly annotations?: string;
  /** `retrieval`: clips by folders of frames (MSRVTT), of which 8 are looked at. Off unless told. */
  readonly video?: boolean | undefined;
}

/** How a model is evaluated on a data set. */
export interface EvaluateOptions extends VerbOptions, GenerationOptions {
  /** A folder, a weights file, a Hub id, or `picture-book`, which is taken unless told. */
  readonly model?: string | undefined;
  /**
   * Where the report goes. Finished rows stand beside it (`report.rows.jsonl` beside `report.json`), and a run that was
   * stopped goes on from them. Without it nothing is written.
   */
  readonly report?: string | undefined;
  /** Forgets rows of an earlier run. Off unless told. */
  readonly restart?: boolean | undefined;
  /** The first so many rows of the data. All unless told. */
  readonly limit?: number | undefined;
  /** Images at a time: 4. */
  readonly imageBatchSize?: number | undefined;
  /** `caption`, `nocaps`: how captions begin. Default: "a picture of ", nothing under `hf`. */
  readonly prompt?: string | undefined;
  /** `caption`: the things that count; adds precision, recall and F1 of the things that captions name. None unless told. */
  readonly things?: readonly Thing[] | undefined;
  /** `vqa`: answers to choose from, ranked as BLIP ranks them; without it answers are generated. */
  readonly answers?: readonly string[] | undefined;
  /**
   * `retrieval`: how many of each ranking ITM looks at, one number or several: 128 and 256; 0 for cosine alone.
   * `vqa`: how many of `answers` are ranked in full: 128.
   */
  readonly k?: number | readonly number[] | undefined;
  /**
   * `retrieval`: GB (of a billion bytes) of image states on disk, beside the report, so that an image is encoded once;
   * images beyond that are encoded twice. Default 0. It changes no number.
   */
  readonly statesCache?: number | undefined;
  /** `caption`, `nocaps`, `vqa`: a file in the form of the data set's server. `nocaps` writes one beside the report unless told. */
  readonly submission?: string | undefined;
  /** Called as the work goes on. */
  readonly onStep?: ((progress: EvaluationProgress) => void) | undefined;
  /** Called for each row that is left out, as it is found. */
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

/** Which tasks an option is for. */
const only: Readonly<Partial<Record<keyof EvaluateOptions, readonly EvaluationTask[]>>> = {
  prompt: ["caption", "nocaps"],
  things: ["caption", "nocaps"],
  answers: ["vqa"],
  k: ["retrieval", "vqa"],
  statesCache: ["retrieval"],
  submission: ["caption", "nocaps", "vqa"],
};

const isWhole = (value: number, least: number) => Number.isSafeInteger(value) && value >= least;

/** @throws {UsageError} `usage/bad-option` */
export function checkEvaluateOptions(task: EvaluationTask, options: EvaluateOptions): void {
  const values = options as Readonly<Record<string, unknown>>;
  if (!evaluationTasks.includes(task)) throw badOption("task", task, evaluationTasks);
  for (const [name, tasks] of Object.entries(only))
    if (values[name] !== undefined && !tasks.includes(task)) throw notSaid(task, name);
  const { limit, imageBatchSize, statesCache, k, numReturn } = options;
  for (const [name, value] of Object.entries({ limit, imageBatchSize }))
    if (value !== undefined && !isWhole(value, 1)) throw badOption(name, value, ["a positive whole number"]);
  if (statesCache !== undefined && !(statesCache >= 0 && Number.isFinite(statesCache)))
    throw badOption("statesCache", statesCache, ["a number of GB of at least 0"]);
  if (numReturn !== undefined && numReturn !== 1) throw badOption("numReturn", numReturn, ["1"]);
  const ks = k === undefined ? [] : typeof k === "number" ? [k] : k;
  for (const value of ks)
    if (!isWhole(value, task === "vqa" ? 1 : 0))
      throw badOption("k", value, ["a whole number of at least 0"]);
  if (task === "vqa" && k !== undefined && (ks.length !== 1 || options.answers === undefined))
    throw badOption("k", ks.join(", "), ["one number, beside a list of answers"]);
}

/** The numbers of `k` for retrieval, without 0, smallest first. */
export const ranksOf = ({ k = [128, 256] }: EvaluateOptions): number[] =>
  [...new Set(typeof k === "number" ? [k] : k)].filter((one) => one > 0).sort((a, b) => a - b);

/** Reports steps with the time that is left in each. */
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

  /** @param done what an earlier run did, which took this one no time */
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
