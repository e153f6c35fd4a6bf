// What a page keeps of a remote file, in the browser's Cache: pieces by number, under the file's address and ETag.
// One Cache a file, so that a changed file is thrown away whole. Where there is no Cache (no secure context, private
// windows of some browsers), nothing is kept.

const prefix = "blip-ts/1 ";

/** Names of pieces become addresses, as the Cache wants them; the host does not exist. */
const key = (etag: string, piece: string) =>
  `https://blip-ts.invalid/${encodeURIComponent(piece)}?${encodeURIComponent(etag)}`;

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

  static async open(url: string, enabled: boolean): Promise<FileCache> {
    const name = prefix + url;
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

  /** Says which file it is now; pieces of another one are thrown away. */
  async use(facts: FileFacts): Promise<void> {
    if (!this.#cache) return;
    const before = await this.facts();
    if (facts.etag === "") {
      await this.#forget();
      return;
    }
    if (before?.etag !== facts.etag || before.size !== facts.size) {
      await caches.delete(this.#name);
      this.#cache = await caches.open(this.#name);
      await this.#put(factsKey, JSON.stringify(facts));
    }
    this.#etag = facts.etag;
    this.#known = new Set((await this.#cache.keys()).map(({ url }) => url));
  }

  /** Is a piece there? Answers from what was there when the file was opened, and what was put since. */
  has(piece: string): boolean {
    return this.#known.has(key(this.#etag, piece));
  }

  async get(piece: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
    if (!this.has(piece)) return undefined;
    const found = await this.#cache?.match(key(this.#etag, piece));
    return found ? new Uint8Array(await found.arrayBuffer()) : undefined;
  }

  /** @returns whether it is kept: the browser's room may be used up */
  async put(piece: string, bytes: Uint8Array<ArrayBuffer>): Promise<boolean> {
    const place = key(this.#etag, piece);
    if (!(await this.#put(place, bytes))) return false;
    this.#known.add(place);
    return true;
  }

  async #put(place: string, body: Uint8Array<ArrayBuffer> | string): Promise<boolean> {
    try {
      await this.#cache?.put(place, new Response(body));
      return this.#cache !== undefined;
    } catch {
      // No room: the rest is read without being kept.
      return false;
    }
  }

  async #forget(): Promise<void> {
    this.#cache = undefined;
    await caches.delete(this.#name);
  }
}

/** Throws away what is kept of one file, or of all. @returns the addresses of the files that were kept */
export async function clearCache(url?: string): Promise<string[]> {
  if (!("caches" in globalThis)) return [];
  const kept = (await caches.keys()).filter((name) =>
    url === undefined ? name.startsWith(prefix) : name === prefix + new URL(url, document.baseURI).href,
  );
  await Promise.all(kept.map((name) => caches.delete(name)));
  return kept.map((name) => name.slice(prefix.length));
}
