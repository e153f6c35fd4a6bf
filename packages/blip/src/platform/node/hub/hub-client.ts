// The Hub's protocol: requests the file list of a repository, and single files. @huggingface/hub's own download cannot
// resume, shows no progress and writes no refs/, so this package has its own transfer (`transfer.ts`).
import { setTimeout as sleep } from "node:timers/promises";
import type { DownloadProgress } from "../../../files.ts";
import { discard, wholeBody } from "../net/body.ts";
import { NetworkFailure, RefusedRedirect } from "../net/failure.ts";
import type { Answer } from "../net/fetch-by.ts";
import { maxFileBytes, maxRedirects, usualLimits, type NetworkLimits } from "../net/limits.ts";
import { ask, nextHop, request, type Answered, type RequestOptions } from "../net/request.ts";
import type { Hop } from "../net/redirects.ts";
import type { Environment } from "./expand-path.ts";
import {
  badAnswer,
  fileTooLarge,
  gated,
  httpStatus,
  refusedRedirect,
  repositoryNotFound,
  revisionNotFound,
  unauthorized,
} from "./hub-errors.ts";
import { isPlainEtag, isPlainPath } from "./safe-names.ts";

/** The first pause between two tries. Pauses last 0.5 s, 1 s, 2 s, or as long as the server requests. */
const firstPauseMilliseconds = 500;
const maxListBytes = 32_000_000;
const maxListedFiles = 100_000;

export interface ClientOptions {
  readonly endpoint: string;
  /** The authorization header, sent only to the endpoint. */
  readonly authorization?: string | undefined;
  readonly hasToken?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: DownloadProgress) => void) | undefined;
  /** The first pause before a retry. Tests use a shorter pause. */
  readonly pauseMilliseconds?: number | undefined;
  readonly limits?: NetworkLimits | undefined;
  readonly env?: Environment | undefined;
  readonly allowPrivateRedirects?: boolean | undefined;
}

export interface FileEntry {
  readonly etag: string;
  readonly size: number;
  /** Where the bytes are, after the Hub's own redirect. */
  readonly location: Hop;
}

export interface RepositoryInfo {
  readonly commit: string;
  /** Only files with safe paths. */
  readonly files: readonly string[];
}

export const bare = (etag: string) => etag.replace(/^W\//, "").replace(/^"|"$/g, "");

export class HubClient {
  readonly options: ClientOptions;
  readonly #request: RequestOptions;

  constructor(options: ClientOptions) {
    this.options = options;
    const { endpoint, authorization, signal, env, limits, allowPrivateRedirects } = options;
    const shown =
      authorization === undefined ? undefined : { origin: new URL(endpoint).origin, value: authorization };
    this.#request = { authorization: shown, signal, env, limits, allowPrivateRedirects };
  }

  get limits(): NetworkLimits {
    return this.options.limits ?? usualLimits;
  }

  /** The same client with another signal and another progress callback. */
  watchedBy({ signal, onProgress }: Pick<ClientOptions, "signal" | "onProgress">): HubClient {
    return new HubClient({ ...this.options, signal, onProgress });
  }

  /**
   * Requests the commit of a revision and the names of its files.
   * @throws {ModelError} `hub/...` @throws {NetworkFailure}
   */
  async repository(id: string, revision: string): Promise<RepositoryInfo> {
    const url = `${this.options.endpoint}/api/models/${id}/revision/${encodeURIComponent(revision)}`;
    const text = await this.trying(async () => {
      const { answer } = await this.get(url);
      if (!answer.ok) {
        const refusal = this.#refusal(answer, id, revision);
        throw isBusyStatus(answer.status) ? new Busy(refusal, answer.headers.get("retry-after")) : refusal;
      }
      const { signal } = this.options;
      const bytes = await wholeBody(answer, maxListBytes, {
        limits: this.limits,
        signal,
        whole: this.limits.text,
      });
      if (!bytes) throw badAnswer(id, `more than ${maxListBytes} bytes`);
      return bytes.toString("utf8");
    });
    return repositoryOf(id, text);
  }

  /**
   * Requests a file's etag, size and location, without its bytes.
   * @throws {ModelError} `hub/...` @throws {NetworkFailure}
   */
  async file(id: string, commit: string, file: string): Promise<FileEntry> {
    const path = file.split("/").map(encodeURIComponent).join("/");
    const { answer, hop } = await this.head(
      `${id}/${file}`,
      new URL(`${this.options.endpoint}/${id}/resolve/${commit}/${path}`),
    );
    if (answer.status >= 400) throw this.#refusal(answer, id, commit);
    return entryOf(`${id}/${file}`, answer, hop);
  }

  /**
   * Requests the headers of a file: returns the answer with the file's facts, and the location of its bytes.
   * @throws {ModelError} `hub/refused-redirect`, `hub/bad-answer` @throws {NetworkFailure}
   */
  async head(what: string, url: URL): Promise<Answered> {
    let hop: Hop = { url };
    for (let redirects = 0; redirects <= maxRedirects; redirects++) {
      const answer = await this.trying(
        () => ask(hop, { ...this.#request, method: "HEAD" }),
        (value) => value,
      );
      discard(answer);
      const next = await this.#guarded(what, () => nextHop(hop, answer, this.#request));
      if (!next) return { answer, hop };
      hop = next;
      // A redirect without the file's own headers comes from a renamed repository or a mirror.
      if (answer.headers.get("x-linked-etag") !== null) return { answer, hop };
    }
    throw badAnswer(what, `more than ${maxRedirects} redirects`);
  }

  /**
   * Requests an address or the location of a file. @throws {ModelError} `hub/refused-redirect` @throws {NetworkFailure}
   */
  get(target: string | Hop, headers: Readonly<Record<string, string>> = {}): Promise<Answered> {
    const what = typeof target === "string" ? this.options.endpoint : target.url.origin;
    return this.#guarded(what, () => request(target, { ...this.#request, headers }));
  }

  /**
   * Retries work while a server is busy or after a connection breaks.
   * @param answerOf gets the server's answer from the result of `work`
   */
  async trying<T>(
    work: () => Promise<T>,
    answerOf: (value: T) => Answer | undefined = () => undefined,
  ): Promise<T> {
    const { signal } = this.options;
    for (let tries = 1; ; tries++) {
      const isLast = tries >= this.limits.tries;
      try {
        const value = await work();
        const answer = answerOf(value);
        if (isLast || !answer || !isBusyStatus(answer.status)) return value;
        discard(answer);
        await this.#pause(tries, answer.headers.get("retry-after"));
      } catch (error) {
        signal?.throwIfAborted();
        if (isLast || !(error instanceof Busy || (error instanceof NetworkFailure && !error.isFinal)))
          throw error instanceof Busy ? error.refusal : error;
        await this.#pause(tries, error instanceof Busy ? error.retryAfter : null);
      }
    }
  }

  async #pause(tries: number, retryAfter: string | null = null): Promise<void> {
    const said = /^\d{1,9}$/.test(retryAfter ?? "") ? Number(retryAfter) : NaN;
    const { pauseMilliseconds = firstPauseMilliseconds, signal } = this.options;
    const wait = said >= 0 ? said * 1000 : pauseMilliseconds * 2 ** (tries - 1);
    await sleep(Math.min(wait, this.limits.pause), undefined, signal ? { signal } : {}).catch(
      (error: unknown) => {
        signal?.throwIfAborted();
        throw error;
      },
    );
  }

  async #guarded<T>(what: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw error instanceof RefusedRedirect ? refusedRedirect(what, error.message) : error;
    }
  }

  /** The error for an answer that is not a success. */
  #refusal(answer: Answer, id: string, revision: string): Error {
    const { endpoint, hasToken = false } = this.options;
    discard(answer);
    const { status } = answer;
    const code = answer.headers.get("x-error-code");
    if (code === "GatedRepo") return gated(id, endpoint);
    if (code === "RevisionNotFound") return revisionNotFound(id, revision);
    // Without the Hub's own code, a 403 or 404 may come from a proxy or a captive portal.
    const isCertain = code !== null || status === 401;
    if (status === 404 || (status === 401 && (!hasToken || code === "RepoNotFound")))
      return repositoryNotFound(id, { endpoint, hasToken, isCertain });
    if (status === 401 || status === 403) return unauthorized(id, isCertain);
    return httpStatus(id, status);
  }
}

/** The error of a busy server, which may answer a later request. */
export class Busy extends Error {
  readonly refusal: Error;
  readonly retryAfter: string | null;

  constructor(refusal: Error, retryAfter: string | null) {
    super(refusal.message);
    this.refusal = refusal;
    this.retryAfter = retryAfter;
  }
}

export const isBusyStatus = (status: number): boolean => status === 429 || status >= 500;

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function repositoryOf(id: string, text: string): RepositoryInfo {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw badAnswer(id, /^\s*<(?:!doctype|html)/i.test(text) ? "a web page" : "invalid JSON");
  }
  if (!isRecord(json)) throw badAnswer(id, "JSON that is not an object");
  const { sha, siblings } = json;
  if (typeof sha !== "string" || !/^[0-9a-f]{40}$/.test(sha)) throw badAnswer(id, "no commit");
  if (!Array.isArray(siblings)) throw badAnswer(id, "no list of files");
  if (siblings.length > maxListedFiles) throw badAnswer(id, `more than ${maxListedFiles} files`);
  const files = (siblings as readonly unknown[]).flatMap((sibling) => {
    const name = isRecord(sibling) ? sibling.rfilename : undefined;
    // A path that leads elsewhere on any system cannot be a model's file.
    return typeof name === "string" && isPlainPath(name) ? name : [];
  });
  return { commit: sha, files };
}

function entryOf(what: string, { headers }: Answer, location: Hop): FileEntry {
  const etag = bare(headers.get("x-linked-etag") ?? headers.get("etag") ?? "");
  if (!isPlainEtag(etag)) throw badAnswer(what, "no etag that names a file");
  const size = sizeIn(what, headers.get("x-linked-size") ?? headers.get("content-length"));
  return { etag, size, location };
}

/** @throws {ModelError} `hub/bad-answer`, `hub/file-too-large` */
export function sizeIn(what: string, said: string | null): number {
  const size = /^\d{1,15}$/.test(said ?? "") ? Number(said) : NaN;
  if (!Number.isSafeInteger(size)) throw badAnswer(what, "no size");
  if (size > maxFileBytes) throw fileTooLarge(what, size, maxFileBytes);
  return size;
}

/** Whether the connection failed, as opposed to an error answer of the server. */
export const isBroken = (error: unknown): error is NetworkFailure => error instanceof NetworkFailure;
