// Runs an evaluation from data to report: surveys the data, loads the model, evaluates rows or reuses the rows of an
// earlier run, and computes the metrics.
import { closing, orClosed } from "@blip-ts/base";
import type { Platform } from "../platform.ts";
import type { PlaceName, Task } from "@blip-ts/datasets";
import { warningOf } from "../load/load-model.ts";
import { type EvaluatedImage, type EvaluationHost, rowsInMemory, type StatesFile } from "./host.ts";
import { type Identity, identityOf } from "./identity.ts";
import {
  checkEvaluateOptions,
  type EvaluateOptions,
  type EvaluationTask,
  type FailedExample,
  ranksOf,
  StepClock,
} from "./options.ts";
import { publishedBeside } from "./published.ts";
import type { EvaluationReport, Results } from "./report.ts";
import { collect, type RetrievalTask } from "./retrieval/collection.ts";
import { RetrievalEncoder } from "./retrieval/encoder.ts";
import { RetrievalLog } from "./retrieval/known.ts";
import { retrievalResults } from "./retrieval/retrieval.ts";
import { checkStored, encodeImages, encodeTexts, rankAll, rerank } from "./retrieval/run.ts";
import { besideReport, openLog, type LoggedRow, type RowLog } from "./row-log.ts";
import { captionTask } from "./rows/caption.ts";
import { matchTask } from "./rows/match.ts";
import { nlvrTask } from "./rows/nlvr.ts";
import { type Evaluated, type RowTask, runRows } from "./rows/row-task.ts";
import { vqaTask } from "./rows/vqa.ts";
import { type EvaluatedData, type Reading, survey, type Survey } from "./survey.ts";

/** The data of each task. `retrieval` also accepts clips. */
export interface DataOfTask {
  readonly retrieval: RetrievalTask;
  readonly caption: "caption";
  readonly nocaps: "caption";
  readonly vqa: "vqa";
  readonly nlvr: "nlvr";
  readonly match: "match";
}

interface Call extends Reading {
  readonly platform: Platform<EvaluatedImage>;
  readonly task: EvaluationTask;
  /** The time when the evaluation began. */
  readonly begun: number;
}

/** The outcome of an evaluation, without the fields that every report has. */
interface Outcome {
  readonly results: Results;
  readonly failed: readonly FailedExample[];
  readonly files: readonly string[];
}

/** Opens the log of rows: next to the report, or in memory without a report. */
async function withLog(
  { host, options }: Call,
  identity: Identity,
  use: (log: RowLog) => Promise<Outcome>,
): Promise<Outcome> {
  const { report, restart = false } = options;
  const name = report === undefined ? "rows" : besideReport(report, "rows.jsonl");
  const file = report === undefined ? rowsInMemory() : await host.openRows(name);
  return closing(file, async () => {
    const outcome = await use(await openLog(name, file, identity, restart));
    return report === undefined ? outcome : { ...outcome, files: [name, ...outcome.files] };
  });
}

/** Builds the report, and writes it if requested. */
async function finished(
  { host, options, begun, task }: Call,
  identity: Identity,
  surveyed: Pick<Survey<Task>, "rows" | "failed">,
  { results, failed, files }: Outcome,
): Promise<EvaluationReport> {
  const all = [...surveyed.failed, ...failed];
  const { model, data } = identity;
  const run = { task, model: model.name, data: data.name, rows: data.rows };
  const report: EvaluationReport = {
    ...identity,
    results,
    published: publishedBeside(run, results),
    failed: { count: all.length, first: all.slice(0, 100) },
    rows: surveyed.rows + surveyed.failed.length,
    files,
    seconds: Math.round(host.now() - begun) / 1000,
  };
  if (options.report !== undefined)
    await host.writeFile(options.report, [`${JSON.stringify(report, undefined, 1)}\n`]);
  return report;
}

const source = ({ model = "picture-book" }: EvaluateOptions): string => model;

/** Calls `onFailed` for a row or an image that the model could not process. */
function tell({ options }: Reading, place: PlaceName, { error }: LoggedRow): FailedExample {
  const failed = { place, code: error?.code ?? "", message: error?.message ?? "" };
  options.onFailed?.(failed);
  return failed;
}

/** The path of the submission file, if one is to be written. */
function submissionPath({ task, options }: Call): string | undefined {
  const { submission, report } = options;
  if (submission !== undefined || task !== "nocaps" || report === undefined) return submission;
  return besideReport(report, "submission.json");
}

/** Streams rows as a JSON list. */
async function* listPieces(rows: AsyncIterable<object>): AsyncGenerator<string> {
  let before = "[\n";
  for await (const row of rows) {
    yield before + JSON.stringify(row);
    before = ",\n";
  }
  yield before === "[\n" ? "[]\n" : "\n]\n";
}

/** The rows of the submission file for the data set's server. */
async function* submission<T extends Task>(
  rows: AsyncIterable<Evaluated<T>>,
  task: RowTask<T>,
): AsyncGenerator<object> {
  for await (const row of rows) yield task.submitted?.(row) ?? row.fields;
}

async function evaluateRows<T extends Task>(
  call: Call,
  rowTask: RowTask<T>,
  data: EvaluatedData<T>,
): Promise<EvaluationReport> {
  const { host, options, clock, task } = call;
  const merge = rowTask.merge?.(host);
  const surveyed = await survey(data, call, (row) => merge?.see(row));
  const rows = merge?.merged(surveyed) ?? surveyed;
  const model = await rowTask.load(source(options), host, options);
  return closing(model, async () => {
    const identity = await identityOf(host, task, model.loaded, surveyed, options, model.decides);
    const outcome = await withLog(call, identity, async (log) => {
      const { evaluated, failed } = await runRows({ model, surveyed: rows, log, host, clock, options });
      const path = submissionPath(call);
      if (path !== undefined) await host.writeFile(path, listPieces(submission(evaluated, rowTask)));
      return {
        results: await rowTask.results(evaluated, options, task),
        failed: failed.map((row) => tell(call, `${surveyed.dataset.name}, row ${row.n}`, row)),
        files: path === undefined ? [] : [path],
      };
    });
    return finished(call, identity, surveyed, outcome);
  });
}

/** Opens the file of image states next to the report, if it is to be used. */
async function openStates({ host, options }: Call): Promise<StatesFile | undefined> {
  const { statesCache = 0, report } = options;
  return statesCache > 0 && report !== undefined && ranksOf(options).length > 0
    ? host.openStates(besideReport(report, "states.bin"))
    : undefined;
}

async function evaluateRetrieval(call: Call, data: EvaluatedData<RetrievalTask>): Promise<EvaluationReport> {
  const { platform, host, options, clock, task } = call;
  const ks = ranksOf(options);
  const collection = await collect(data, call);
  const { surveyed } = collection;
  const encoder = await RetrievalEncoder.load(platform, source(options), host, options, collection.isVideo);
  return closing(encoder, async () => {
    // Scores are stored for the largest k, which includes the scores of every smaller k.
    const decides = { k: ks };
    const identity = await identityOf(host, task, encoder.loaded, surveyed, options, decides);
    const outcome = await withLog(call, identity, async (log) => {
      const states = await openStates(call);
      const use = async (): Promise<Outcome> => {
        const known = await RetrievalLog.read(collection, encoder.width, log);
        const run = { encoder, collection, host, clock, options, states };
        await checkStored(run, known);
        await encodeTexts(run, known);
        await encodeImages(run, known);
        const ranking = await rankAll(run, known, Math.max(0, ...ks));
        if (ks.length > 0) await rerank(run, known, ranking);
        const failed = [...known.known.failed.values()].map((row) =>
          tell(call, `${surveyed.dataset.name}, ${row.kind} ${row.n}`, row),
        );
        return { results: retrievalResults(ks, ranking, known.known, collection), failed, files: [] };
      };
      // After a failure, keep the file of states for the next run.
      const result = await (states ? orClosed(states, use) : use());
      await states?.remove();
      return result;
    });
    return finished(call, identity, surveyed, outcome);
  });
}

/**
 * Evaluates a model on data.
 * @throws {UsageError} `usage/bad-option`, `evaluate/other-run`, `evaluate/not-rows`, `evaluate/in-use`,
 * `evaluate/cannot-write`
 * @throws {InputError} `evaluate/no-rows`, and `dataset/...` if the data cannot be read
 * @throws {ModelError} if the model cannot be found, read, or used for the task
 */
export async function evaluateOn<T extends EvaluationTask>(
  platform: Platform<EvaluatedImage>,
  host: EvaluationHost,
  task: T,
  data: EvaluatedData<DataOfTask[T]>,
  options: EvaluateOptions = {},
): Promise<EvaluationReport> {
  checkEvaluateOptions(task, options);
  const clock = new StepClock(() => host.now(), options.onStep);
  const warn = warningOf(platform, options);
  const call: Call = { platform, host, task, options, clock, warn, begun: host.now() };
  const dataset = data as EvaluatedData<Task>;
  switch (task) {
    case "retrieval":
      return evaluateRetrieval(call, dataset as EvaluatedData<RetrievalTask>);
    case "vqa":
      return evaluateRows(call, vqaTask(platform), dataset as EvaluatedData<"vqa">);
    case "nlvr":
      return evaluateRows(call, nlvrTask(platform), dataset as EvaluatedData<"nlvr">);
    case "match":
      return evaluateRows(call, matchTask(platform), dataset as EvaluatedData<"match">);
    case "nocaps":
      return evaluateRows(call, captionTask(platform, nocapsDefaults), dataset as EvaluatedData<"caption">);
    default:
      return evaluateRows(call, captionTask(platform, {}), dataset as EvaluatedData<"caption">);
  }
}

/** The generation defaults of configs/nocaps.yaml. */
const nocapsDefaults = { repetitionPenalty: 1.1 };
