// Stores parts of a page's files in the browser's Cache: numbered chunks under the file's address and ETag. Each file
// has its own Cache, so that a changed file is discarded as a whole. Without a Cache (no secure context, private
// windows of some browsers), nothing is stored.

const prefix = "blip-ts/1 ";
/** Followed by the type of the converted weights and the addresses of their source files. */
const derivedPrefix = "blip-ts/derived/1 ";

/** Turns a chunk's name into an address in the Cache's own spelling; the host does not exist. */
const key = (etag: string, chunk: string) =>
  new URL(`https://blip-ts.invalid/${encodeURIComponent(chunk)}?${encodeURIComponent(etag)}`).href;

/** The size and version of a remote file. */
export interface FileFacts {
  readonly size: number;
  /** The file's ETag or last-modified time. Without either, nothing is cached. */
  readonly etag: string;
}

const factsKey = "https://blip-ts.invalid/facts";

export class FileCache {
  readonly #name: string;
  #cache: Cache | undefined;
  #etag = "";
  #known = new Set<string>();

  private constructor(name: string, cache: Cache | undefined) {
    this.#name = name;
    this.#cache = cache;
  }

  static open(url: string, enabled: boolean): Promise<FileCache> {
    return FileCache.#open(prefix + url, enabled);
  }

  /** The cache of weights converted from files. */
  static openDerived(type: string, urls: readonly string[], enabled: boolean): Promise<FileCache> {
    return FileCache.#open(derivedPrefix + [type, ...urls].join(" "), enabled);
  }

  static async #open(name: string, enabled: boolean): Promise<FileCache> {
    // Browsers have no `caches` outside a secure context.
    const usable = enabled && "caches" in globalThis;
    return new FileCache(name, usable ? await caches.open(name).catch(() => undefined) : undefined);
  }

  /** The file's size and version at its last fetch. */
  async facts(): Promise<FileFacts | undefined> {
    const found: unknown = await (await this.#cache?.match(factsKey))?.json();
    if (typeof found !== "object" || found === null || !("size" in found) || !("etag" in found))
      return undefined;
    const { size, etag } = found;
    return typeof size === "number" && typeof etag === "string" ? { size, etag } : undefined;
  }

  /** Whether the browser provides a Cache. */
  get usable(): boolean {
    return this.#cache !== undefined;
  }

  /** Sets the current version of the file; discards chunks of other versions. */
  async use(facts: FileFacts): Promise<void> {
    if (!this.usable) return;
    const before = await this.facts();
    if (facts.etag === "") {
      await this.forget();
      return;
    }
    if (before?.etag !== facts.etag || before.size !== facts.size) {
      await this.begin(facts.etag);
      await this.commit(facts.size);
    }
    this.#etag = facts.etag;
    this.#known = new Set((await this.#cache?.keys())?.map(({ url }) => url));
  }

  /** Discards the cached chunks. Chunks put from now on belong to a file whose size is not known yet. */
  async begin(etag: string): Promise<void> {
    if (!this.#cache) return;
    await caches.delete(this.#name);
    // Without room, nothing is kept.
    this.#cache = await caches.open(this.#name).catch(() => undefined);
    this.#etag = etag;
    this.#known = new Set();
  }

  /** Records the file's size, which makes the file visible to later loads. @returns whether it is recorded */
  commit(size: number): Promise<boolean> {
    return this.#put(factsKey, JSON.stringify({ size, etag: this.#etag } satisfies FileFacts));
  }

  /** The addresses of the cached chunks. */
  chunks(): ReadonlySet<string> {
    return new Set(this.#known);
  }

  /** Discards all other chunks. */
  async keepOnly(chunks: ReadonlySet<string>): Promise<void> {
    for (const place of this.#known) {
      if (chunks.has(place) || place === factsKey) continue;
      this.#known.delete(place);
      await this.#cache?.delete(place);
    }
  }

  /** Discards everything and stops caching this file. */
  async forget(): Promise<void> {
    if (!this.#cache) return;
    this.#cache = undefined;
    this.#known = new Set();
    await caches.delete(this.#name);
  }

  /** Whether a chunk is cached: it was in the Cache when `use` was called, or was put since. */
  has(chunk: string): boolean {
    return this.#known.has(key(this.#etag, chunk));
  }

  /** A chunk; undefined if it is not cached or the browser can no longer read it. */
  async get(chunk: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
    if (!this.has(chunk)) return undefined;
    try {
      const found = await this.#cache?.match(key(this.#etag, chunk));
      return found && new Uint8Array(await found.arrayBuffer());
    } catch {
      return undefined;
    }
  }

  /** @returns whether the chunk is cached; false if the browser's quota is used up */
  async put(chunk: string, bytes: Uint8Array<ArrayBuffer>): Promise<boolean> {
    const place = key(this.#etag, chunk);
    if (!(await this.#put(place, bytes))) return false;
    this.#known.add(place);
    return true;
  }

  async #put(address: string, body: Uint8Array<ArrayBuffer> | string): Promise<boolean> {
    try {
      await this.#cache?.put(address, new Response(body));
      return this.#cache !== undefined;
    } catch {
      // The quota is used up, so the chunk is not cached.
      return false;
    }
  }
}

/** The addresses of the files behind one of this package's Caches; none for other Caches. */
function filesOf(name: string): string[] {
  if (name.startsWith(prefix)) return [name.slice(prefix.length)];
  return name.startsWith(derivedPrefix) ? name.slice(derivedPrefix.length).split(" ").slice(1) : [];
}

/**
 * Discards the cached parts of one file, or of all files, and the weights converted from them.
 * @returns the addresses of the files that had cached parts
 */
export async function clearCache(url?: string): Promise<string[]> {
  if (!("caches" in globalThis)) return [];
  const asked = url === undefined ? undefined : new URL(url, document.baseURI).href;
  const names = (await caches.keys()).filter((name) =>
    asked === undefined ? filesOf(name).length > 0 : filesOf(name).includes(asked),
  );
  const filled = await Promise.all(
    names.map(async (name) => {
      // A requested file that does not exist has an empty Cache.
      const { length } = await (await caches.open(name)).keys();
      await caches.delete(name);
      return length > 0 ? filesOf(name).filter((file) => asked === undefined || file === asked) : [];
    }),
  );
  return [...new Set(filled.flat())];
}
