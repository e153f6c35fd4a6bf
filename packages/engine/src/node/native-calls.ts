// Prevents threads from ending during a native call. When a native call returns into a stopping thread,
// onnxruntime-node throws an exception that nothing catches, and the whole process aborts (134). The owner that ends a
// thread or the process waits for the thread's call, and the thread starts no other.
import { setTimeout } from "node:timers/promises";

const IDLE = 0;
const BUSY = 1;
const ENDED = 2;

/** One of the above states, shared between a thread and its owner. */
export type NativeState = Int32Array<SharedArrayBuffer>;

export const createNativeState = (): NativeState => new Int32Array(new SharedArrayBuffer(4));

/** Runs in the thread: makes one call at a time. If the thread is about to end, the promise never settles. */
export async function callNative<T>(state: NativeState, call: () => Promise<T>): Promise<T> {
  if (Atomics.compareExchange(state, 0, IDLE, BUSY) !== IDLE) return new Promise<never>(() => undefined);
  try {
    return await call();
  } finally {
    Atomics.store(state, 0, IDLE);
    Atomics.notify(state, 0);
  }
}

/** Stops the thread from starting calls. True if it is still in one. */
const ends = (state: NativeState): boolean => Atomics.compareExchange(state, 0, IDLE, ENDED) === BUSY;

/** Waits until the thread may be ended. */
export async function afterNativeCall(state: NativeState): Promise<void> {
  // A timer keeps the process alive in the meantime; a promise of `Atomics.waitAsync` would not.
  while (ends(state)) await setTimeout(5);
}

const guarded = new Set<NativeState>();

function waitForAll(): void {
  for (const state of guarded) while (ends(state)) Atomics.wait(state, 0, BUSY);
}

/**
 * Delays the end of the process until the thread's call ends, whether the process ends normally, by an error, or by
 * `process.exit`.
 */
export function guardExit(state: NativeState): void {
  if (guarded.size === 0) process.on("exit", waitForAll);
  guarded.add(state);
}

/** Removes a thread that has ended. */
export function unguardExit(state: NativeState): void {
  Atomics.store(state, 0, ENDED);
  guarded.delete(state);
  if (guarded.size === 0) process.off("exit", waitForAll);
}
