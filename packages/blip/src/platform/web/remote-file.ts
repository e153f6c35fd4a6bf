// A file behind a URL, read by HTTP range requests: only the requested parts, each once. A server without range
// requests sends the whole file.
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

/** Chunk size for reads of headers, in bytes: in a zip, each tensor has a header, 2 MB apart. */
const pageBytes = 1 << 16;
/** Chunk size for reads of weights, in bytes. */
const blockBytes = 1 << 20;
/** The maximum number of blocks per request. As many blocks are held in memory until they are read. */
const maxRun = 16;
/** The maximum bytes to fetch from a server that sends only whole files. */
const maxWholeBytes = 2_000_000_000;
/** The maximum number of tries per request, with pauses of 0.5 s, 1 s, 2 s. */
const maxTries = 4;
const firstPauseMilliseconds = 500;

export interface RemoteOptions extends SourceOptions {
  /** Whether to cache fetched parts. */
  readonly cache: boolean;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

const isHtml = (response: Response) => response.headers.get("content-type")?.startsWith("text/html") === true;

/** Sends a request, with retries if the network or the server fails temporarily. */
async function request(url: string, range: string | undefined, options: RemoteOptions): Promise<Response> {
  const { signal, headers } = options;
  for (let tries = 1; ; tries++) {
    const init: RequestInit = {
      headers: { ...headers, ...(range === undefined ? {} : { range }) },
      // This package's own cache keeps the parts; a second copy is not needed.
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
      // A CORS refusal looks the same as an unreachable server, so one more try is enough.
      if (tries >= 2) throw unreachable(url, error);
    }
    await new Promise((resolve) => setTimeout(resolve, firstPauseMilliseconds * 2 ** (tries - 1)));
  }
}

/** Whether the file is absent: many web servers answer unknown paths with their start page. */
export const isAbsent = (response: Response): boolean =>
  response.status === 404 || response.status === 410 || (response.ok && isHtml(response));

/** @throws {ModelError} `model/not-found`, `hub/unauthorized`, `hub/http-status` */
export function expectOk(url: string, response: Response): void {
  if (isAbsent(response)) throw nothingThere(url, response.status);
  if (response.status === 401 || response.status === 403) throw unauthorized(url, response.status);
  if (!response.ok) throw httpStatus(url, response.status);
}

const chunkName = (size: number, index: number) => `${size}-${index}`;

/**
 * A file's chunks of one size: fetched in runs, stored in the cache, and held in memory until newer chunks arrive.
 */
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

  /** @returns the bytes of all wanted chunks, and of the wanted chunks that are already here */
  want(ranges: readonly ByteRange[]): { wanted: number; here: number } {
    for (const range of ranges) for (const index of this.numbersOf(range)) this.#wanted.add(index);
    const bytes = (numbers: readonly number[]) =>
      numbers.reduce((sum, index) => sum + this.#length(index), 0);
    const all = [...this.#wanted];
    return { wanted: bytes(all), here: bytes(all.filter((index) => this.#isHere(index))) };
  }

  /** Whether a whole range is here or will be fetched anyway. */
  covers(range: ByteRange): boolean {
    return this.numbersOf(range).every((index) => this.#wanted.has(index) || this.#isHere(index));
  }

  /** Whether the whole file is here. */
  isWhole(): boolean {
    return this.covers({ offset: 0, length: this.#file.size });
  }

  async read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    const lastChunk = last(this.numbersOf({ offset, length }));
    return readChunks(offset, length, this.#size, (index) => this.#chunk(index, lastChunk));
  }

  /** Stores the first chunk. @param answer the server's answer that contains the chunk */
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
    // Discards the oldest chunks first.
    for (const [old] of this.#held) {
      if (this.#held.size <= 2 * maxRun) break;
      this.#held.delete(old);
    }
  }

  /** The consecutive chunks in memory, starting with this one. */
  *heldFrom(index: number): Generator<Uint8Array<ArrayBuffer>, void, undefined> {
    for (let chunk = this.#held.get(index); chunk; chunk = this.#held.get(++index)) yield chunk;
  }

  /** The bytes from `start` up to `end`; bytes that arrived with a header are not fetched again. */
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

  /** Fetches a chunk together with the requested chunks after it. */
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

  /**
   * Receives a run of chunks. After a broken connection, continues with the first incomplete chunk.
   * @param begun the first answer
   */
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

/** A file on a server. */
export class RemoteFile implements ByteSource {
  readonly name: string;
  readonly size: number;
  readonly cache: FileCache;
  readonly options: RemoteOptions;
  /** The file's ETag or last-modified time; empty if the server sends neither. */
  readonly etag: string;
  readonly #pages = new Chunks(this, pageBytes);
  readonly #blocks = new Chunks(this, blockBytes);
  /** Chunks of a file that arrived whole and did not fit into the cache. */
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
   * Requests the beginning of a file.
   * @returns undefined if the server has no such file
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
      // An HTML page in place of the file may come from a network that requires a sign-in, so the cache is kept.
      if (!cached || !response.ok) await cache.forget();
      return undefined;
    }
    // 416 (range not satisfiable) means that the file is empty.
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

  /** Fetches the whole file once, in chunks, from a server that sends only whole files. */
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
    // Used for progress only: the length of a compressed answer differs from that of its content.
    const length = Number(whole.headers.get("content-length") ?? 0);
    if (length > maxWholeBytes) throw tooLarge(url, maxWholeBytes);
    if (etag === "") await cache.forget();
    else await cache.begin(etag);
    // Cached chunks need not stay in memory.
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
   * Remembers the current content of the cache.
   * @returns a function that discards the parts fetched since; a file that arrived whole is kept, because it can only
   * be fetched whole again
   */
  mark(): () => Promise<void> {
    const before = this.cache.chunks();
    return () => (this.#whole ? Promise.resolve() : this.cache.keepOnly(before));
  }

  /** Announces ranges that will be read, so that they are fetched together with their neighbours. */
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

  /** The bytes in memory from a position, if a page begins there. */
  known(start: number): Iterable<Uint8Array<ArrayBuffer>> {
    return start % pageBytes === 0 ? this.#pages.heldFrom(start / pageBytes) : [];
  }

  /** A chunk that arrived with the whole file. */
  whole(size: number, index: number): Uint8Array<ArrayBuffer> | undefined {
    return size === blockBytes ? this.#whole?.get(index) : undefined;
  }

  /** Requests the bytes from `start` up to `end`. */
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
