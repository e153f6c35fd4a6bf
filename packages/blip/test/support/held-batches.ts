// A queue of requests whose batches, and whose preparations, a test completes. The test fakes the clock.
import { vi } from "vitest";
import {
  RequestBatcher,
  type BatcherOptions,
  type Outcome,
  type Preparer,
} from "../../src/serve/request-batcher.ts";

export type Batcher = RequestBatcher<string, string>;

/** Lets time pass. */
export const pass = (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds);

/** A batch that runs until the test ends it. */
export interface Held {
  readonly requests: readonly string[];
  readonly group: string;
  readonly signal: AbortSignal;
  /** Answers each request with its upper-case text, except those that begin with "bad". */
  finish(): Promise<void>;
  fail(error: Error): Promise<void>;
}

/** A batcher whose batches are held. */
export function held(options: BatcherOptions = {}, preparer?: Preparer<string>) {
  const batches: Held[] = [];
  const batcher = new RequestBatcher<string, string>(
    (requests, group, signal) =>
      new Promise<Outcome<string>[]>((resolve, reject) => {
        // The microtasks of settled promises have run when the test continues.
        const settled = () => vi.advanceTimersByTimeAsync(0).then(() => undefined);
        batches.push({
          ...{ requests, group, signal },
          finish() {
            resolve(
              requests.map((request) =>
                request.startsWith("bad") ? { error: new Error(request) } : { value: request.toUpperCase() },
              ),
            );
            return settled();
          },
          fail(error) {
            reject(error);
            return settled();
          },
        });
      }),
    options,
    preparer,
  );
  return { batcher, batches, run: () => batches.map(({ requests }) => requests.join(" ")) };
}

/** Upper-case requests need a preparation, which the test completes. */
export function prepared(expected: () => number = () => 0) {
  const given = new Map<string, { ready: () => void; fail: (error: Error) => void }>();
  const released: string[] = [];
  const preparer: Preparer<string> = {
    expected,
    prepare: (request) => {
      if (request !== request.toUpperCase()) return undefined;
      const ready = new Promise<void>((resolve, reject) => {
        given.set(request, { ready: resolve, fail: reject });
      });
      return { ready, release: () => void released.push(request) };
    },
  };
  const settle = async (request: string, error?: Error) => {
    if (error) given.get(request)?.fail(error);
    else given.get(request)?.ready();
    await pass(0);
  };
  return { preparer, released, settle, begun: () => [...given.keys()] };
}
