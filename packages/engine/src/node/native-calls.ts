// Threads are not ended in the middle of a native call: onnxruntime-node throws where it returns into a thread that is
// being stopped, and nothing catches that, so that the whole process is aborted (134). Who ends a thread, or the
// process, waits for its call, and the thread begins no other.
import { setTimeout } from "node:timers/promises";

const IDLE = 0;
const BUSY = 1;
const ENDED = 2;

/** One of the above, shared between a thread and its owner. */
export type NativeState = Int32Array<SharedArrayBuffer>;

export const createNativeState = (): NativeState => new Int32Array(new SharedArrayBuffer(4));

/** In the thread: makes a call, one at a time. It never settles where the thread is about to end. */
export async function callNative<T>(state: NativeState, call: () => Promise<T>): Promise<T> {
  if (Atomics.compareExchange(state, 0, IDLE, BUSY) !== IDLE) return new Promise<never>(() => undefined);
  try {
    return await call();
  } finally {
    Atomics.store(state, 0, IDLE);
    Atomics.notify(state, 0);
  }
}

/** From now on the thread begins no call; true where it is still in one. */
const ends = (state: NativeState): boolean => Atomics.compareExchange(state, 0, IDLE, ENDED) === BUSY;

/** Waits until the thread may be ended. */
export async function afterNativeCall(state: NativeState): Promise<void> {
  // A timer keeps the process alive meanwhile; a promise of `Atomics.waitAsync` would not.
  while (ends(state)) await setTimeout(5);
}

const guarded = new Set<NativeState>();

function waitForAll(): void {
  for (const state of guarded) while (ends(state)) Atomics.wait(state, 0, BUSY);
}

/** Lets the process end after the thread's call, where it ends by itself, by an error or by `process.exit`. */
export function guardExit(state: NativeState): void {
  if (guarded.size === 0) process.on("exit", waitForAll);
  guarded.add(state);
}

/** The thread is gone. */
export function unguardExit(state: NativeState): void {
  Atomics.store(state, 0, ENDED);
  guarded.delete(state);
  if (guarded.size === 0) process.off("exit", waitForAll);
}
