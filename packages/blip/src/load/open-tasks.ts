// Opens a model for several tasks and provides each task's network.
import { asyncDispose, badOption, unlessAborted } from "@blip-ts/base";
import { suiteBase } from "../adapter/index.ts";
import type { Platform } from "../platform.ts";
import { networkTaskOf, networkTasks, runnableTasks } from "../tasks/index.ts";
import type { NetworkTask, Task } from "../tasks/task.ts";
import { taskNotOpened, wrongTask } from "./errors.ts";
import { networkOf, tokensOf, type LoadedNetwork } from "./load-model.ts";
import { checkModelOptions, type ModelOptions } from "./model-options.ts";
import { expectTask, type OpenedModel } from "./open-model.ts";
import { findModel, openModelForTasks, openSuite } from "./open-suite.ts";
import { openSuiteTasks } from "./suite-tasks.ts";
import { withAdapter } from "./with-adapter.ts";
import type { OpenTasks } from "./task-networks.ts";

export type { OpenTasks } from "./task-networks.ts";

/** Checks the requested tasks. @throws {UsageError} `usage/bad-option` */
function wanted(tasks: readonly Task[]): readonly Task[] {
  for (const task of tasks)
    if (!runnableTasks.includes(task)) throw badOption("tasks", task, [...runnableTasks]);
  if (tasks.length === 0) throw badOption("tasks", "an empty list", [...runnableTasks]);
  return tasks;
}

/** The tasks of one file as one network. Weights are read once, and each session is created once for all tasks. */
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
    return new Promise((resolve) => resolve({ ...this.images, tokens: tokensOf(this.images, [task]) }));
  }

  close(): Promise<void> {
    return this.images.network.close();
  }

  [asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** The parts of a multi-task model to open. */
export interface TasksToOpen {
  /**
   * The tasks to open; by default all. Fewer tasks need less memory, and fewer parts of a suite are read.
   */
  readonly tasks?: readonly Task[] | undefined;
  /** Whether images are held for several calls, and the last images are cached; by default true. */
  readonly holds?: boolean;
}

/**
 * Opens a model or a suite for all of its tasks, or for the requested tasks. If the vocabulary lacks a task's special
 * token, `openTask` throws the error for that task.
 * @throws {ModelError} if the model cannot be found, read, or used for a task, and `suite/...`
 * @throws {UsageError} if an option is invalid @throws the signal's reason
 */
export async function openTasks(
  platform: Platform<never>,
  source: string,
  options: ModelOptions,
  { tasks, holds = true }: TasksToOpen = {},
): Promise<OpenTasks> {
  checkModelOptions(options);
  const asked = tasks && wanted(tasks);
  const files = await findModel(platform, source, options);
  if (files.kind === "suite") {
    if (options.adapter !== undefined) throw suiteBase(options.adapter, files.name);
    return openSuiteTasks(platform, openSuite(files), options, { asked, holds });
  }
  const base = await unlessAborted(openModelForTasks(files, []), options.signal);
  const opened = await withAdapter(platform, base, options);
  const able = runnableTasks.filter((task) => opened.tasks.tasks.includes(task));
  const all = asked ?? able;
  const none = all.find((task) => !able.includes(task)) ?? (able.length === 0 ? "match" : undefined);
  if (none) throw wrongTask(opened.files.name, none, able, opened.tasks.missing.get(none) ?? []);
  const networks = networkTasks.filter((network) => all.some((task) => networkTaskOf(task) === network));
  const loaded = await networkOf(platform, opened, networks, options, { holds, speaking: [] });
  return new SingleFile(opened, loaded, all);
}
