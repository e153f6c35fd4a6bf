// Opens a suite for several tasks, with one engine for all parts and one session of the image encoder. The network of a
// part is created at the first call of one of the part's tasks.
import { asyncDispose, type Closable, closedBy, must, once, orClosed, unlessAborted } from "@blip-ts/base";
import { type Engine, modelClosed, openEngine, type OpenEngine } from "@blip-ts/engine";
import type { Platform } from "../platform.ts";
import { imageHeadOf, networkTaskOf, networkTasks } from "../tasks/index.ts";
import type { NetworkTask, Task } from "../tasks/task.ts";
import { severalProjections, suiteLacks, taskNotOpened } from "./errors.ts";
import { memoryOfParts } from "./memory-of-parts.ts";
import {
  counted,
  networkOver,
  prepareModel,
  tokensOf,
  warningOf,
  type LoadedNetwork,
  type PreparedModel,
} from "./load-model.ts";
import { defaultLimits, limitsWithin, type Limits } from "./memory-plan.ts";
import type { ModelOptions } from "./model-options.ts";
import type { OpenedSuite } from "./open-suite.ts";
import { expectOneType, expectSameImages, expectSameStates } from "./same-images.ts";
import type { OpenTasks } from "./task-networks.ts";

/** A part of a suite, prepared for its tasks. Its weights are not read yet. */
interface Part {
  readonly networks: readonly NetworkTask[];
  readonly model: PreparedModel;
}

/** Inputs that the networks of all parts share. */
interface Shared {
  readonly open: OpenEngine;
  readonly limits: Limits;
  readonly options: ModelOptions;
}

/** The tasks of a suite: one network per part. All parts share an engine and the image encoder of one part. */
class SuiteTasks implements OpenTasks {
  readonly tasks: readonly Task[];
  readonly images: LoadedNetwork;
  readonly #suite: OpenedSuite;
  readonly #parts: readonly Part[];
  readonly #shared: Shared;
  readonly #networks: Map<Part, Promise<LoadedNetwork>>;
  #closed = false;

  constructor(
    suite: OpenedSuite,
    tasks: readonly Task[],
    parts: readonly Part[],
    [part, images]: readonly [Part, LoadedNetwork],
    shared: Shared,
  ) {
    this.#suite = suite;
    this.tasks = tasks;
    this.#parts = parts;
    this.images = images;
    this.#shared = shared;
    this.#networks = new Map([[part, Promise.resolve(images)]]);
  }

  get name(): string {
    return this.#suite.files.name;
  }

  expect(task: Task): void {
    if (this.tasks.includes(task)) return;
    const { tasks } = this.#suite.index;
    throw tasks.includes(task)
      ? taskNotOpened(this.name, task, this.tasks)
      : suiteLacks(this.name, task, tasks);
  }

  async openTask(task: NetworkTask): Promise<LoadedNetwork> {
    if (this.#closed) throw modelClosed();
    const part = this.#parts.find(({ networks }) => networks.includes(task));
    if (!part) throw new Error(`${this.name} was not opened for ${task}`);
    const tokens = tokensOf(part.model, [task]);
    const loaded = await once(this.#networks, part, () => this.#load(part));
    return { ...loaded, tokens };
  }

  /** Closes all sessions and the engine. A second call has no effect. */
  async close(): Promise<void> {
    this.#closed = true;
    const networks = await Promise.allSettled(this.#networks.values());
    const open = networks.flatMap((found) => (found.status === "fulfilled" ? [found.value.network] : []));
    // The first network closes the engine once. All networks reject later calls.
    await Promise.all(open.map((network) => network.close()));
  }

  [asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Creates the network of a part, without the signal, which applied only to opening the suite. */
  #load({ model }: Part): Promise<LoadedNetwork> {
    const { open, limits, options } = this.#shared;
    return networkOver(model, open, limits, { ...options, signal: undefined });
  }
}

/** Wraps an engine that several networks close, so that it is closed only once. */
function closedOnce(engine: Engine): Engine {
  let closing: Promise<void> | undefined;
  const closable: Closable = closedBy(() => (closing ??= engine.close()));
  return { createSession: (model, options) => engine.createSession(model, options), ...closable };
}

/** Prepares the parts for tasks. Opens each file once and reads no weights. */
async function prepareParts(
  platform: Platform<never>,
  suite: OpenedSuite,
  tasks: readonly Task[],
  options: ModelOptions,
): Promise<Part[]> {
  const parts: Part[] = [];
  for (const [folder, able] of suite.parts) {
    const networks = networkTasks.filter(
      (network) => able.includes(network) && tasks.some((task) => networkTaskOf(task) === network),
    );
    if (networks.length === 0) continue;
    const opened = await unlessAborted(suite.part(folder), options.signal);
    parts.push({ networks, model: await prepareModel(platform, opened, networks, options, []) });
  }
  return parts;
}

/** Returns the part whose image graph all parts use: the part with image embeddings, if any, or else the first part. */
function imagePartOf(name: string, parts: readonly Part[]): Part {
  const heads = parts.filter(({ networks, model }) => imageHeadOf(networks, model.opened.architecture));
  const [first = must(parts, 0), ...others] = heads;
  if (others.length > 0)
    throw severalProjections(
      name,
      heads.map(({ networks }) => networks.join(" and ")),
    );
  return first;
}

/**
 * Opens a suite for tasks.
 * @param asked the tasks; by default all tasks of the suite @param holds whether images are held for several calls
 * @throws {ModelError} `model/wrong-task` for a task that the suite lacks, `suite/...`, and as opening a model throws
 * @throws {UsageError} `usage/memory-too-small` @throws the signal's reason
 */
export async function openSuiteTasks(
  platform: Platform<never>,
  suite: OpenedSuite,
  options: ModelOptions,
  { asked, holds }: { readonly asked: readonly Task[] | undefined; readonly holds: boolean },
): Promise<OpenTasks> {
  const { name } = suite.files;
  const { tasks: able } = suite.index;
  const tasks = asked ?? able;
  const lacking = tasks.find((task) => !able.includes(task));
  if (lacking) throw suiteLacks(name, lacking, able);
  const parts = await prepareParts(platform, suite, tasks, options);
  const models = parts.map(({ model }) => model);
  expectOneType(name, models);
  expectSameStates(
    name,
    models.map(({ opened, config }) => ({ name: opened.files.name, config })),
  );
  await unlessAborted(expectSameImages(name, models), options.signal);
  const images = imagePartOf(name, parts);
  const limits =
    options.memory === undefined
      ? defaultLimits(images.model.config)
      : limitsWithin(
          options.memory,
          memoryOfParts(
            counted(images.model, images.networks, holds),
            parts
              .filter((part) => part !== images)
              .map(({ model, networks }) => counted(model, networks, holds)),
          ),
        );
  const { types } = images.model;
  const opened = await openEngine(platform, types.dtype, {
    ...options,
    onWarning: warningOf(platform, options),
  });
  const open = { ...opened, engine: closedOnce(opened.engine) };
  return orClosed(
    open.engine,
    async () => {
      const loaded = await networkOver(images.model, open, limits, options);
      return new SuiteTasks(suite, tasks, parts, [images, loaded], { open, limits, options });
    },
    options.signal,
  );
}
