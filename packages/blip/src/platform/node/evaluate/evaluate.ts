// `evaluate` in Node: reads data by path.
import { type DatasetOptions, pathOptionNames, readDataset, type Task } from "@blip-ts/datasets/node";
import { evaluateOn } from "../../../evaluate/evaluate.ts";
import { expectOptions, type OptionNames, withoutNames } from "@blip-ts/base";
import { notSaid } from "../../../evaluate/errors.ts";
import {
  evaluateOptionNames,
  type EvaluateOptions,
  type EvaluationData,
  type EvaluationTask,
} from "../../../evaluate/options.ts";
import type { EvaluationReport } from "../../../evaluate/report.ts";
import { nodePlatform } from "../node-platform.ts";
import { nodeEvaluationHost } from "./host.ts";

/** The dataset task whose reader reads a task's data. */
const dataTask = (task: EvaluationTask, video: boolean): Task => {
  if (task === "retrieval") return video ? "video" : "retrieval";
  return task === "nocaps" ? "caption" : task;
};

const dataNames: OptionNames<EvaluationData> = {
  ...withoutNames(pathOptionNames, "onRowError"),
  ...{ path: true, video: true },
};

/** See `index.ts`. */
export async function evaluate(
  task: EvaluationTask,
  data: string | readonly string[] | EvaluationData,
  options: EvaluateOptions = {},
): Promise<EvaluationReport> {
  expectOptions("evaluate", options, evaluateOptionNames);
  const given: EvaluationData = typeof data === "object" && "path" in data ? data : { path: data };
  expectOptions("evaluate's data", given, dataNames);
  const { path, video = false, ...reading } = given;
  if (video && task !== "retrieval") throw notSaid(task, "video");
  const open = (onRowError: NonNullable<DatasetOptions["onRowError"]>) =>
    readDataset(dataTask(task, video), path, { ...reading, onRowError });
  const name = typeof path === "string" ? path : path.join(", ");
  return evaluateOn(nodePlatform, nodeEvaluationHost, task, { name, open: open as never }, options);
}
