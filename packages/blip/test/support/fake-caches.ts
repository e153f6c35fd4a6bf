// A browser's CacheStorage in memory, as far as this package uses it. A deleted Cache still works for those who hold
// it.

export interface FakeCaches {
  /** The entries of each Cache, by the Cache's name. */
  readonly kept: Map<string, Map<string, ArrayBuffer>>;
  open(name: string): Promise<unknown>;
  delete(name: string): Promise<boolean>;
  keys(): Promise<string[]>;
}

export function fakeCaches(): FakeCaches {
  const kept = new Map<string, Map<string, ArrayBuffer>>();
  return {
    kept,
    open(name) {
      const entries = kept.get(name) ?? new Map<string, ArrayBuffer>();
      kept.set(name, entries);
      // Normalises an address as a Request does.
      const place = (address: string) => new URL(address).href;
      return Promise.resolve({
        match: (address: string) => {
          const found = entries.get(place(address));
          return Promise.resolve(found && new Response(found));
        },
        put: async (address: string, response: Response) => {
          entries.set(place(address), await response.arrayBuffer());
        },
        delete: (address: string) => Promise.resolve(entries.delete(place(address))),
        keys: () => Promise.resolve([...entries.keys()].map((url) => ({ url }))),
      });
    },
    delete: (name) => Promise.resolve(kept.delete(name)),
    keys: () => Promise.resolve([...kept.keys()]),
  };
}
