// Evaluation for the Node entry. The readers of data files are loaded on demand, so they do not delay a first match.
import type { EvaluateOptions, EvaluationData, EvaluationTask } from "../../../evaluate/options.ts";
import type { EvaluationReport } from "../../../evaluate/report.ts";

/**
 * Evaluates a model on a public data set: `retrieval`, `caption`, `nocaps`, `vqa`, `nlvr` or `match`.
 * @param data a path, several paths, or an object that also holds reading options
 * @returns the report, which is also written to `report` if given. An interrupted run continues from the rows next to
 * the report
 * @throws {UsageError} `usage/bad-option`, `evaluate/other-run`, `evaluate/not-rows`, `evaluate/in-use`,
 * `evaluate/cannot-write`, `dataset/bad-option`, `generate/conflicting-options`
 * @throws {InputError} `evaluate/no-rows`, and `dataset/...` if the data cannot be read
 * @throws {ModelError} if the model cannot be found, read, or used for the task
 */
export async function evaluate(
  task: EvaluationTask,
  data: string | readonly string[] | EvaluationData,
  options: EvaluateOptions = {},
): Promise<EvaluationReport> {
  const { evaluate: run } = await import("./evaluate.ts");
  return run(task, data, options);
}

/**
 * Reads BLIP's `answer_list.json`: a JSON list of answers, each once.
 * @throws {InputError} `dataset/not-found`, `dataset/bad-row`, `dataset/bad-json`, `dataset/encoding`
 */
export async function readAnswerList(path: string): Promise<string[]> {
  const { readAnswerList: read } = await import("@blip-ts/datasets/node");
  return read(path);
}
