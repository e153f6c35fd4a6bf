// A file behind a URL, read by HTTP range requests: only the parts that are asked for, each once. A server that knows
// no ranges is asked for the whole file.
import { BlipError, type ByteRange, type ByteSource, last, must } from "@blip-ts/base";
import type { SourceOptions } from "../../files.ts";
import {
  brokenOff,
  changed,
  httpStatus,
  nothingThere,
  offline,
  readFailed,
  takenFromCache,
  tooLarge,
  unauthorized,
  unreachable,
} from "./errors.ts";
import { FileCache, type FileFacts } from "./file-cache.ts";
import { bodyOf, chunksOf, readChunks } from "./chunks.ts";
import { etagOf, headSize, wholeSize } from "./response-facts.ts";

/** Reads of headers fetch so much around them: a zip has a header beside each tensor, 2 MB apart. */
const pageBytes = 1 << 16;
/** Reads of weights. */
const blockBytes = 1 << 20;
/** Most blocks of one request; so many are held in memory until they are read. */
const maxRun = 16;
/** Most bytes that are fetched where the server sends only whole files. */
const maxWholeBytes = 2_000_000_000;
/** Tries of one request; between them it waits 0.5 s, 1 s, 2 s. */
const maxTries = 4;
const firstPauseMilliseconds = 500;

export interface RemoteOptions extends SourceOptions {
  /** Keeps what was fetched. */
  readonly cache: boolean;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

const isHtml = (response: Response) => response.headers.get("content-type")?.startsWith("text/html") === true;

/** A request that is tried again where the network or the server fails for a moment. */
async function request(url: string, range: string | undefined, options: RemoteOptions): Promise<Response> {
  const { signal, headers } = options;
  for (let tries = 1; ; tries++) {
    const init: RequestInit = {
      headers: { ...headers, ...(range === undefined ? {} : { range }) },
      // What is kept is kept once: by us.
      cache: range === undefined ? "no-cache" : "no-store",
      ...(signal ? { signal } : {}),
    };
    try {
      const response = await fetch(url, init);
      const busy = response.status === 429 || response.status >= 500;
      if (!busy || tries === maxTries) return response;
      await response.body?.cancel();
    } catch (error) {
      signal?.throwIfAborted();
      // Nothing tells a server that does not share its files from one that cannot be reached: one more try is enough.
      if (tries >= 2) throw unreachable(url, error);
    }
    await new Promise((resolve) => setTimeout(resolve, firstPauseMilliseconds * 2 ** (tries - 1)));
  }
}

/** Where nothing is: many servers of pages answer what they do not know with their start page. */
export const isAbsent = (response: Response): boolean =>
  response.status === 404 || response.status === 410 || (response.ok && isHtml(response));

/** @throws {ModelError} `model/not-found`, `hub/unauthorized`, `hub/http-status` */
export function expectOk(url: string, response: Response): void {
  if (isAbsent(response)) throw nothingThere(url, response.status);
  if (response.status === 401 || response.status === 403) throw unauthorized(url, response.status);
  if (!response.ok) throw httpStatus(url, response.status);
}

const chunkName = (size: number, index: number) => `${size}-${index}`;

/** Chunks of one size of a file: fetched in runs, kept in the cache, and in memory until others push them out. */
class Chunks {
  readonly #file: RemoteFile;
  readonly #size: number;
  readonly #held = new Map<number, Uint8Array<ArrayBuffer>>();
  readonly #coming = new Map<number, Promise<void>>();
  readonly #wanted = new Set<number>();

  constructor(file: RemoteFile, size: number) {
    this.#file = file;
    this.#size = size;
  }

  name(index: number): string {
    return chunkName(this.#size, index);
  }

  numbersOf({ offset, length }: ByteRange): number[] {
    if (length === 0) return [];
    const first = Math.floor(offset / this.#size);
    const count = Math.floor((offset + length - 1) / this.#size) - first + 1;
    return Array.from({ length: count }, (_, index) => first + index);
  }

  /** @returns bytes that are wanted, and those of them that are here */
  want(ranges: readonly ByteRange[]): { wanted: number; here: number } {
    for (const range of ranges) for (const index of this.numbersOf(range)) this.#wanted.add(index);
    const bytes = (numbers: readonly number[]) =>
      numbers.reduce((sum, index) => sum + this.#length(index), 0);
    const all = [...this.#wanted];
    return { wanted: bytes(all), here: bytes(all.filter((index) => this.#isHere(index))) };
  }

  /** Is all of a range here, or to be fetched anyway? */
  covers(range: ByteRange): boolean {
    return this.numbersOf(range).every((index) => this.#wanted.has(index) || this.#isHere(index));
  }

  /** Is all of the file here? */
  isWhole(): boolean {
    return this.covers({ offset: 0, length: this.#file.size });
  }

  async read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    const lastChunk = last(this.numbersOf({ offset, length }));
    return readChunks(offset, length, this.#size, (index) => this.#chunk(index, lastChunk));
  }

  /** Keeps the first chunk. @param answer what the server sends of it already */
  async begin(answer: Response): Promise<void> {
    if (this.#length(0) > 0) await this.#receive([0], answer);
  }

  async #keep(index: number, chunk: Uint8Array<ArrayBuffer>): Promise<void> {
    this.#hold(index, chunk);
    await this.#file.cache.put(this.name(index), chunk);
  }

  #isHere(index: number): boolean {
    return this.#held.has(index) || this.#file.cache.has(this.name(index));
  }

  #length(index: number): number {
    return Math.min(this.#size, this.#file.size - index * this.#size);
  }

  #hold(index: number, chunk: Uint8Array<ArrayBuffer>): void {
    this.#held.delete(index);
    this.#held.set(index, chunk);
    // The oldest go first.
    for (const [old] of this.#held) {
      if (this.#held.size <= 2 * maxRun) break;
      this.#held.delete(old);
    }
  }

  /** The chunks in memory from one on, as far as they follow one another. */
  *heldFrom(index: number): Generator<Uint8Array<ArrayBuffer>, void, undefined> {
    for (let chunk = this.#held.get(index); chunk; chunk = this.#held.get(++index)) yield chunk;
  }

  /** The bytes from `start` up to `end`: those that came with a header are not fetched again. */
  async *#bytes(start: number, end: number): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
    let at = start;
    for (const known of this.#file.known(start)) {
      const chunk = known.subarray(0, end - at);
      at += chunk.length;
      yield chunk;
      if (at === end) return;
    }
    yield* bodyOf(await this.#file.part(at, end));
  }

  async #chunk(index: number, last: number): Promise<Uint8Array<ArrayBuffer>> {
    for (;;) {
      const here =
        this.#file.whole(this.#size, index) ??
        this.#held.get(index) ??
        (await this.#file.cache.get(this.name(index)));
      if (here) return here;
      const coming = this.#coming.get(index) ?? this.#fetch(index, last);
      await coming;
    }
  }

  /** Fetches a chunk, with those after it that are asked for too. */
  #fetch(index: number, last: number): Promise<void> {
    const run = [index];
    for (let next = index + 1; run.length < maxRun && this.#length(next) > 0; next++) {
      const asked = next <= last || this.#wanted.has(next);
      if (!asked || this.#isHere(next) || this.#coming.has(next)) break;
      run.push(next);
    }
    const coming = this.#receive(run).finally(() => {
      for (const number of run) this.#coming.delete(number);
    });
    for (const number of run) this.#coming.set(number, coming);
    return coming;
  }

  /** A connection that breaks off is taken up again after the last whole chunk. @param begun the first answer */
  async #receive(run: readonly number[], begun?: Response): Promise<void> {
    let done = 0;
    for (let tries = 1; done < run.length; tries++) {
      const left = run.slice(done);
      const start = must(left, 0) * this.#size;
      const end = last(left) * this.#size + this.#length(last(left));
      let failure: unknown;
      try {
        const bytes = tries === 1 && begun ? bodyOf(begun) : this.#bytes(start, end);
        for await (const chunk of chunksOf(bytes, this.#size)) {
          const number = run[done];
          if (number === undefined || chunk.length !== this.#length(number)) break;
          await this.#keep(number, chunk);
          done++;
          this.#file.report(this.#wanted.has(number) ? chunk.length : 0);
        }
      } catch (error) {
        this.#file.options.signal?.throwIfAborted();
        if (error instanceof BlipError) throw error;
        failure = error;
      }
      if (done < run.length && tries === maxTries)
        throw brokenOff(this.#file.name, must(run, done) * this.#size, failure);
    }
  }
}

/** A file of a server. */
export class RemoteFile implements ByteSource {
  readonly name: string;
  readonly size: number;
  readonly cache: FileCache;
  readonly options: RemoteOptions;
  /** Its ETag, or when it was last changed; empty where the server says neither. */
  readonly etag: string;
  readonly #pages = new Chunks(this, pageBytes);
  readonly #blocks = new Chunks(this, blockBytes);
  /** Chunks of a file that came whole and that the cache did not take. */
  #whole: ReadonlyMap<number, Uint8Array<ArrayBuffer>> | undefined;
  #progress = { loaded: 0, total: 0 };

  private constructor(name: string, { size, etag }: FileFacts, cache: FileCache, options: RemoteOptions) {
    this.name = name;
    this.size = size;
    this.etag = etag;
    this.cache = cache;
    this.options = options;
  }

  /**
   * Asks for the beginning of a file.
   * @returns undefined where the server has no such file
   * @throws {ModelError} `hub/unreachable`, `hub/offline`, `hub/unauthorized`, `hub/http-status`, `model/too-large`
   */
  static async find(url: string, options: RemoteOptions): Promise<RemoteFile | undefined> {
    const cache = await FileCache.open(url, options.cache);
    const cached = await cache.facts();
    const fromCache = async (facts: FileFacts) => {
      await cache.use(facts);
      return new RemoteFile(url, facts, cache, options);
    };
    if (options.offline === true) {
      if (!cached) throw offline(url);
      return fromCache(cached);
    }
    let response: Response;
    try {
      response = await request(url, `bytes=0-${pageBytes - 1}`, options);
    } catch (error) {
      options.signal?.throwIfAborted();
      if (!cached) throw error;
      options.onWarning?.(takenFromCache(url));
      return fromCache(cached);
    }
    if (isAbsent(response)) {
      await response.body?.cancel();
      // A start page in the file's place may be that of a network that one has to sign in to.
      if (!cached || !response.ok) await cache.forget();
      return undefined;
    }
    // "There is no such part": the file is empty.
    if (response.status === 416) return fromCache({ size: 0, etag: "" });
    expectOk(url, response);
    const size =
      response.status === 206 ? (wholeSize(response) ?? (await headSize(url, options))) : undefined;
    if (size === undefined) return RemoteFile.#takeWhole(url, response, cache, options);
    const facts = { size, etag: etagOf(response) };
    await cache.use(facts);
    const file = new RemoteFile(url, facts, cache, options);
    await file.#pages.begin(response);
    return file;
  }

  /** The server sends the file as a whole: it is taken so, once, in chunks. */
  static async #takeWhole(
    url: string,
    response: Response,
    cache: FileCache,
    options: RemoteOptions,
  ): Promise<RemoteFile> {
    let whole = response;
    if (response.status !== 200) {
      await response.body?.cancel();
      whole = await request(url, undefined, options);
    }
    expectOk(url, whole);
    const etag = etagOf(whole);
    const cached = await cache.facts();
    if (cached?.etag === etag) {
      await cache.use(cached);
      const file = new RemoteFile(url, cached, cache, options);
      if (file.#blocks.isWhole()) {
        await whole.body?.cancel();
        return file;
      }
    }
    // Told as progress only: of a compressed answer it is another one than that of what comes out of it.
    const length = Number(whole.headers.get("content-length") ?? 0);
    if (length > maxWholeBytes) throw tooLarge(url, maxWholeBytes);
    if (etag === "") await cache.forget();
    else await cache.begin(etag);
    // What the cache takes need not stay in memory.
    const chunks = new Map<number, Uint8Array<ArrayBuffer>>();
    let size = 0;
    try {
      for await (const chunk of chunksOf(bodyOf(whole), blockBytes)) {
        const index = Math.floor(size / blockBytes);
        size += chunk.length;
        if (size > maxWholeBytes) throw tooLarge(url, maxWholeBytes);
        if (!(await cache.put(chunkName(blockBytes, index), chunk))) chunks.set(index, chunk);
        options.onProgress?.({ kind: "download", file: url, loaded: size, total: Math.max(length, size) });
      }
    } catch (error) {
      await cache.forget();
      options.signal?.throwIfAborted();
      throw error instanceof BlipError ? error : brokenOff(url, size, error);
    }
    await cache.commit(size);
    const file = new RemoteFile(url, { size, etag }, cache, options);
    file.#whole = chunks;
    return file;
  }

  /**
   * Remembers what the cache has.
   * @returns throws out of it what was fetched since; a file that came whole stays, as it can only come whole again
   */
  mark(): () => Promise<void> {
    const before = this.cache.chunks();
    return () => (this.#whole ? Promise.resolve() : this.cache.keepOnly(before));
  }

  /** Reads of what will be needed are fetched together with what lies beside them. */
  announce(ranges: readonly ByteRange[]): void {
    const { wanted, here } = this.#blocks.want(ranges);
    this.#progress = { loaded: here, total: wanted };
    if (here < wanted) this.report(0);
  }

  async read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    if (offset < 0 || length < 0 || offset + length > this.size)
      throw readFailed(this.name, `expected ${length} bytes at ${offset}, the file has ${this.size}`);
    const small = length <= pageBytes && !this.#whole && !this.#blocks.covers({ offset, length });
    return (small ? this.#pages : this.#blocks).read(offset, length);
  }

  /** What pages hold from a byte on, if one begins there. */
  known(start: number): Iterable<Uint8Array<ArrayBuffer>> {
    return start % pageBytes === 0 ? this.#pages.heldFrom(start / pageBytes) : [];
  }

  /** A chunk that came with the whole file. */
  whole(size: number, index: number): Uint8Array<ArrayBuffer> | undefined {
    return size === blockBytes ? this.#whole?.get(index) : undefined;
  }

  /** The bytes from `start` up to `end`. */
  async part(start: number, end: number): Promise<Response> {
    if (this.options.offline === true) throw offline(this.name);
    const response = await request(this.name, `bytes=${start}-${end - 1}`, this.options);
    expectOk(this.name, response);
    const size = wholeSize(response) ?? this.size;
    if (response.status !== 206 || size !== this.size || etagOf(response) !== this.etag) {
      await response.body?.cancel();
      throw changed(this.name);
    }
    return response;
  }

  report(bytes: number): void {
    this.#progress.loaded += bytes;
    const { loaded, total } = this.#progress;
    if (total > 0) this.options.onProgress?.({ kind: "download", file: this.name, loaded, total });
  }
}
