// What a page keeps of a file, in the browser's Cache: chunks by number, under the file's address and ETag. One Cache a
// file, so that a changed file is thrown away whole. Where there is no Cache (no secure context, private windows of some
// browsers), nothing is kept.

const prefix = "blip-ts/1 ";
/** Before the type of converted weights, and the addresses of the files that they were made of. */
const derivedPrefix = "blip-ts/derived/1 ";

/** Names of chunks become addresses, written as the Cache gives them back; the host does not exist. */
const key = (etag: string, chunk: string) =>
  new URL(`https://blip-ts.invalid/${encodeURIComponent(chunk)}?${encodeURIComponent(etag)}`).href;

/** What is known of a remote file. */
export interface FileFacts {
  readonly size: number;
  /** Its ETag, or when it was last changed; without either, nothing is kept. */
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

  /** What is kept of weights that were converted from files. */
  static openDerived(type: string, urls: readonly string[], enabled: boolean): Promise<FileCache> {
    return FileCache.#open(derivedPrefix + [type, ...urls].join(" "), enabled);
  }

  static async #open(name: string, enabled: boolean): Promise<FileCache> {
    // Browsers without a secure context have no `caches` at all.
    const usable = enabled && "caches" in globalThis;
    return new FileCache(name, usable ? await caches.open(name).catch(() => undefined) : undefined);
  }

  /** What was known of the file when it was last fetched. */
  async facts(): Promise<FileFacts | undefined> {
    const found: unknown = await (await this.#cache?.match(factsKey))?.json();
    if (typeof found !== "object" || found === null || !("size" in found) || !("etag" in found))
      return undefined;
    const { size, etag } = found;
    return typeof size === "number" && typeof etag === "string" ? { size, etag } : undefined;
  }

  /** Does the browser keep anything? */
  get usable(): boolean {
    return this.#cache !== undefined;
  }

  /** Says which file it is now; chunks of another one are thrown away. */
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

  /** Throws away what is kept; what is put from now on belongs to a file whose size is not known yet. */
  async begin(etag: string): Promise<void> {
    if (!this.#cache) return;
    await caches.delete(this.#name);
    // Where there is no room any more, nothing is kept.
    this.#cache = await caches.open(this.#name).catch(() => undefined);
    this.#etag = etag;
    this.#known = new Set();
  }

  /** Says how large the file is: only now it is found again. @returns whether that is kept */
  commit(size: number): Promise<boolean> {
    return this.#put(factsKey, JSON.stringify({ size, etag: this.#etag } satisfies FileFacts));
  }

  /** The chunks that are there. */
  chunks(): ReadonlySet<string> {
    return new Set(this.#known);
  }

  /** Throws away the other chunks. */
  async keepOnly(chunks: ReadonlySet<string>): Promise<void> {
    for (const place of this.#known) {
      if (chunks.has(place) || place === factsKey) continue;
      this.#known.delete(place);
      await this.#cache?.delete(place);
    }
  }

  /** Throws away all, and keeps nothing any more. */
  async forget(): Promise<void> {
    if (!this.#cache) return;
    this.#cache = undefined;
    this.#known = new Set();
    await caches.delete(this.#name);
  }

  /** Is a chunk there? Answers from what was there when the file was opened, and what was put since. */
  has(chunk: string): boolean {
    return this.#known.has(key(this.#etag, chunk));
  }

  /** A chunk; undefined where it is not there, also where the browser cannot read it any more. */
  async get(chunk: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
    if (!this.has(chunk)) return undefined;
    try {
      const found = await this.#cache?.match(key(this.#etag, chunk));
      return found && new Uint8Array(await found.arrayBuffer());
    } catch {
      return undefined;
    }
  }

  /** @returns whether it is kept: the browser's room may be used up */
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
      // No room: the rest is read without being kept.
      return false;
    }
  }
}

/** The addresses of the files of which a Cache keeps something; none for the Caches of others. */
function filesOf(name: string): string[] {
  if (name.startsWith(prefix)) return [name.slice(prefix.length)];
  return name.startsWith(derivedPrefix) ? name.slice(derivedPrefix.length).split(" ").slice(1) : [];
}

/**
 * Throws away what is kept of one file, or of all, and the converted weights that were made of it.
 * @returns the addresses of the files of which something was kept
 */
export async function clearCache(url?: string): Promise<string[]> {
  if (!("caches" in globalThis)) return [];
  const asked = url === undefined ? undefined : new URL(url, document.baseURI).href;
  const names = (await caches.keys()).filter((name) =>
    asked === undefined ? filesOf(name).length > 0 : filesOf(name).includes(asked),
  );
  const filled = await Promise.all(
    names.map(async (name) => {
      // Of a file that was asked for and not found there is a Cache, and nothing in it.
      const { length } = await (await caches.open(name)).keys();
      await caches.delete(name);
      return length > 0 ? filesOf(name).filter((file) => asked === undefined || file === asked) : [];
    }),
  );
  return [...new Set(filled.flat())];
}
