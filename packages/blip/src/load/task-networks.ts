// What a model of several tasks is once it is open: a network for each of them, over one engine.
import type { Closable } from "@blip-ts/base";
import type { NetworkTask, Task } from "../tasks/task.ts";
import type { LoadedNetwork } from "./load-model.ts";

/**
 * The networks of a model's tasks. In a single file all of them are one network; a model of several files may have one
 * per task, as long as they share the image encoder of `images`.
 */
export interface OpenTasks extends Closable {
  /** What the model is called in messages. */
  readonly name: string;
  /** What it can do, of what was asked for. */
  readonly tasks: readonly Task[];
  /** The network whose image encoder every task uses. */
  readonly images: LoadedNetwork;
  /**
   * @throws {ModelError} `model/wrong-task`, which says what the model can do instead
   * @throws {UsageError} `usage/task-not-opened` if it could, but was opened for others
   */
  expect(task: Task): void;
  /** The network of a task that `expect` lets pass. @throws {ModelError} if its files cannot be used */
  openTask(task: NetworkTask): Promise<LoadedNetwork>;
}
