// One record per task, which is the task's only definition.
import { ask } from "./ask.ts";
import { caption } from "./caption.ts";
import { compare } from "./compare.ts";
import { embed } from "./embed.ts";
import { match, matchingParts } from "./match.ts";
import type { Architecture } from "../weights/architecture.ts";
import {
  taskNames,
  type ImageHead,
  type NetworkTask,
  type NetworkTaskSpec,
  type Task,
  type TaskSpec,
} from "./task.ts";

export const tasks: { readonly [T in Task]: TaskSpec<T> } = {
  match,
  caption,
  ask,
  compare,
  embed,
  retrieve: { runs: "match", needs: { parts: matchingParts } },
  pretrain: {
    runs: undefined,
    needs: { parts: [...matchingParts, "textDecoder", "lmHead"], decoderAttendsTo: "image" },
  },
};

/** The record of a task that runs a network. */
export const specOf = (task: NetworkTask): NetworkTaskSpec => tasks[task];

const runsItself = (task: Task): task is NetworkTask => tasks[task].runs === task;

/** The tasks that have their own network. */
export const networkTasks: readonly NetworkTask[] = taskNames.filter(runsItself);

/** The head of one image graph for several tasks. All tasks with a head have the same head. */
export const imageHeadOf = (
  tasks: readonly NetworkTask[],
  architecture: Architecture,
): ImageHead | undefined =>
  tasks.map((task) => specOf(task).imageHead(architecture)).find((head) => head !== undefined);

/** The verbs that run a network. A verb follows the verb whose network it shares. */
export const runnableTasks: readonly Task[] = networkTasks.flatMap((network) =>
  taskNames.filter((task) => tasks[task].runs === network),
);

/** The task whose network a verb runs; undefined for any other name. */
export function networkTaskOf(name: string): NetworkTask | undefined {
  const known = runnableTasks.find((task) => task === name);
  return known && tasks[known].runs;
}
