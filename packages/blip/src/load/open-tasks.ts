// A model that does several tasks: where the network of each of them comes from.
import { asyncDispose, badOption, type Closable } from "@blip-ts/base";
import type { Platform } from "../platform.ts";
import { networkTaskOf, networkTasks, runnableTasks } from "../tasks/index.ts";
import type { NetworkTask, Task } from "../tasks/task.ts";
import { taskNotOpened, wrongTask } from "./errors.ts";
import { networkOf, tokensOf, type LoadedNetwork } from "./load-model.ts";
import { checkModelOptions, type ModelOptions } from "./model-options.ts";
import { expectTask, type OpenedModel } from "./open-model.ts";
import { openSource } from "./open-suite.ts";

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

/** The tasks that are asked for, checked. @throws {UsageError} `usage/bad-option` */
function wanted(tasks: readonly Task[]): readonly Task[] {
  for (const task of tasks)
    if (!runnableTasks.includes(task)) throw badOption("tasks", task, [...runnableTasks]);
  if (tasks.length === 0) throw badOption("tasks", "an empty list", [...runnableTasks]);
  return tasks;
}

/** Tasks of one file, which is one network: weights are read once, and each session is made once for all of them. */
class SingleFile implements OpenTasks {
  readonly tasks: readonly Task[];
  readonly images: LoadedNetwork;
  readonly #opened: OpenedModel;

  constructor(opened: OpenedModel, loaded: LoadedNetwork, tasks: readonly Task[]) {
    this.#opened = opened;
    this.images = loaded;
    this.tasks = tasks;
  }

  get name(): string {
    return this.#opened.files.name;
  }

  expect(task: Task): void {
    if (this.tasks.includes(task)) return;
    expectTask(this.#opened, task);
    throw taskNotOpened(this.name, task, this.tasks);
  }

  openTask(task: NetworkTask): Promise<LoadedNetwork> {
    return Promise.resolve({ ...this.images, tokens: tokensOf(this.images, [task]) });
  }

  close(): Promise<void> {
    return this.images.network.close();
  }

  [asyncDispose](): Promise<void> {
    return this.close();
  }
}

/**
 * Opens a model for every task that it can do, or for those of them that are asked for.
 * @param tasks without it all; fewer take less of a bound of memory
 * @throws {ModelError} if it cannot be found, read, or used for any of them
 * @throws {UsageError} if an option is wrong @throws the signal's reason
 */
export async function openTasks(
  platform: Platform<never>,
  source: string,
  options: ModelOptions,
  tasks?: readonly Task[],
): Promise<OpenTasks> {
  checkModelOptions(options);
  const asked = tasks && wanted(tasks);
  const opened = await openSource(platform, source, [], options);
  const able = runnableTasks.filter((task) => opened.tasks.tasks.includes(task));
  const all = asked ?? able;
  const none = all.find((task) => !able.includes(task)) ?? (able.length === 0 ? "match" : undefined);
  if (none) throw wrongTask(opened.files.name, none, able, opened.tasks.missing.get(none) ?? []);
  const networks = networkTasks.filter((network) => all.some((task) => networkTaskOf(task) === network));
  return new SingleFile(opened, await networkOf(platform, opened, networks, options, true), all);
}
