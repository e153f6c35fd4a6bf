// Work that a signal ends. What is waited for goes on for others.

/** What is to be called, by signal: one listener per signal, however many calls it was given to. Node warns of an 11th. */
const callbacks = new WeakMap<
  AbortSignal,
  { readonly all: Set<() => void>; readonly listener: () => void }
>();

/**
 * Calls a function once, when a signal is aborted; never if it is aborted already.
 * @param callback each has its own identity, and throws nothing
 * @returns what takes the function back
 */
export function whenAborted(signal: AbortSignal | undefined, callback: () => void): () => void {
  if (!signal || signal.aborted) return () => undefined;
  let known = callbacks.get(signal);
  if (!known) {
    const all = new Set<() => void>();
    const listener = () => {
      callbacks.delete(signal);
      for (const each of all) each();
    };
    known = { all, listener };
    callbacks.set(signal, known);
    signal.addEventListener("abort", listener, { once: true });
  }
  const { all, listener } = known;
  all.add(callback);
  return () => {
    if (!all.delete(callback) || all.size > 0) return;
    callbacks.delete(signal);
    signal.removeEventListener("abort", listener);
  };
}

/** What `work` gives, or the signal's reason as soon as it is aborted. */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  let fail: (reason: unknown) => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    fail = reject;
  });
  const stop = () => fail(signal.reason);
  if (signal.aborted) stop();
  const forget = whenAborted(signal, stop);
  try {
    return await Promise.race([aborted, work]);
  } finally {
    forget();
  }
}

/** The chunks, until the signal is aborted. @throws the signal's reason */
export async function* untilAborted<T>(
  chunks: AsyncIterable<T>,
  signal: AbortSignal | undefined,
): AsyncGenerator<T, void, undefined> {
  for await (const chunk of chunks) {
    signal?.throwIfAborted();
    yield chunk;
  }
}
