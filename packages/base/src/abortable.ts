// Waiting for work until a signal is aborted. The work itself continues for other callers.

/** Each signal's callbacks. A signal has one listener, however many calls use it, because Node warns at the 11th. */
const callbacks = new WeakMap<
  AbortSignal,
  { readonly all: Set<() => void>; readonly listener: () => void }
>();

/**
 * Calls a function once when a signal is aborted. Never calls it if the signal is already aborted.
 * @param callback a function with an identity of its own, which throws nothing
 * @returns a function that removes the callback
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

/** The result of `work`, or a rejection with the signal's reason as soon as the signal is aborted. */
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

/** Yields the chunks until the signal is aborted. @throws the signal's reason */
export async function* untilAborted<T>(
  chunks: AsyncIterable<T>,
  signal: AbortSignal | undefined,
): AsyncGenerator<T, void, undefined> {
  for await (const chunk of chunks) {
    signal?.throwIfAborted();
    yield chunk;
  }
}
