// An open multi-task model: one network per task, on one engine.
import type { Closable } from "@blip-ts/base";
import type { NetworkTask, Task } from "../tasks/task.ts";
import type { LoadedNetwork } from "./load-model.ts";

/**
 * The networks of a model's tasks. In a single file, all of them are one network. A model of several files may have one
 * network per task, if they share the image encoder of `images`.
 */
export interface OpenTasks extends Closable {
  /** The model's name, for messages. */
  readonly name: string;
  /** The requested tasks that the model can do. */
  readonly tasks: readonly Task[];
  /** The network whose image encoder every task uses. */
  readonly images: LoadedNetwork;
  /**
   * @throws {ModelError} `model/wrong-task`, with the model's tasks
   * @throws {UsageError} `usage/task-not-opened` if the model can do the task but was opened for others
   */
  expect(task: Task): void;
  /** The network of a task that passed `expect`. @throws {ModelError} if its files cannot be used */
  openTask(task: NetworkTask): Promise<LoadedNetwork>;
}
