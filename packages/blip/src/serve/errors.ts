// What can be wrong with requests of many callers: one factory per error. Codes are `batch/...`.
import { UsageError } from "@blip-ts/base";

/**
 * The queue of requests is full.
 * @remedy Ask again later, wait for room (`whenFull: "wait"`), or raise `maxQueue`.
 */
export const queueFull = (waiting: number, limit: number): UsageError =>
  new UsageError(
    "batch/full",
    `queue: expected room for a request, got ${waiting} that wait, of at most ${limit}. ` +
      'Ask again later, pass whenFull: "wait", or raise maxQueue.',
    { waiting, limit },
  );

/**
 * A request came after the batcher was closed.
 * @remedy Close it after the last request, or make another one.
 */
export const batcherClosed = (): UsageError =>
  new UsageError(
    "batch/closed",
    "batcher: expected one that is open, got one that was closed. Make another one, or close it later.",
  );

/**
 * A request needs a model that the batched verbs were made without.
 * @remedy Make them with a model of this verb.
 */
export const noModelFor = (verb: string, model: string): UsageError =>
  new UsageError(
    "batch/no-model",
    `${verb}: expected a model that can do it, got none. Make this object with ${model}.`,
    { verb, model },
  );
