// An open multi-task model: one network per task, on one engine.
import type { Closable } from "@blip-ts/base";
import type { NetworkTask, Task } from "../tasks/task.ts";
import type { LoadedNetwork } from "./load-model.ts";

/**
 * The networks of a model's tasks. All tasks of a single file share one network. A suite may have one network per part;
 * all of them use the image encoder of `images`.
 */
export interface OpenTasks extends Closable {
  /** The model's name, for messages. */
  readonly name: string;
  /** The tasks that the model was opened for. */
  readonly tasks: readonly Task[];
  /** The network whose image encoder every task uses. */
  readonly images: LoadedNetwork;
  /**
   * @throws {ModelError} `model/wrong-task`, with the model's tasks
   * @throws {UsageError} `usage/task-not-opened` if the model can run the task but was opened for other tasks
   */
  expect(task: Task): void;
  /** Returns the network of a task that passed `expect`. @throws {ModelError} if the task's files cannot be used */
  openTask(task: NetworkTask): Promise<LoadedNetwork>;
}
