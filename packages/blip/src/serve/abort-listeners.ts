// What is to be stopped by which signal, with one listener a signal: a caller may give the same one to many requests, and
// platforms warn of many listeners.

export class AbortListeners<T> {
  readonly #onAbort: (item: T, reason: unknown) => void;
  readonly #bySignal = new Map<AbortSignal, { readonly items: Set<T>; readonly listener: () => void }>();

  constructor(onAbort: (item: T, reason: unknown) => void) {
    this.#onAbort = onAbort;
  }

  add(signal: AbortSignal, item: T): void {
    const known = this.#bySignal.get(signal);
    if (known) {
      known.items.add(item);
      return;
    }
    const items = new Set([item]);
    const listener = () => {
      this.#bySignal.delete(signal);
      for (const one of items) this.#onAbort(one, signal.reason);
    };
    this.#bySignal.set(signal, { items, listener });
    signal.addEventListener("abort", listener, { once: true });
  }

  remove(signal: AbortSignal, item: T): void {
    const known = this.#bySignal.get(signal);
    known?.items.delete(item);
    if (known?.items.size !== 0) return;
    this.#bySignal.delete(signal);
    signal.removeEventListener("abort", known.listener);
  }
}
