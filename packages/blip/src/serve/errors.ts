// Error factories for batched requests. Codes: `batch/...`.
import { UsageError } from "@blip-ts/base";

/**
 * The queue of requests is full.
 * @remedy Try again later, wait for room (`whenFull: "wait"`), or raise `maxQueue`.
 */
export const queueFull = (waiting: number, limit: number): UsageError =>
  new UsageError(
    "batch/full",
    `queue: expected room for a request, got ${waiting} waiting requests, of at most ${limit}. ` +
      'Try again later, pass whenFull: "wait", or raise maxQueue.',
    { waiting, limit },
  );

/**
 * A request came after the batcher was closed.
 * @remedy Close it after the last request, or create another one.
 */
export const batcherClosed = (): UsageError =>
  new UsageError(
    "batch/closed",
    "batcher: expected an open one, got a closed one. Create another one, or close it later.",
  );

/**
 * A request needs a model that this object was created without.
 * @remedy Create it with a model for this verb.
 */
export const noModelFor = (verb: string, model: string): UsageError =>
  new UsageError(
    "batch/no-model",
    `${verb}: expected a model for this verb, got none. Create this object with ${model}.`,
    { verb, model },
  );
