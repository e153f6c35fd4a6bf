// The job of decoding one image in a decoder process, with its waiting times and limits.
import { whenAborted } from "@blip-ts/base";
import type { DecodeOptions } from "../../../image/decode-options.ts";
import { decoderEnded, readTooSlow, tooSlow } from "../../../image/errors.ts";
import type { RgbImage } from "../../../image/raw-image.ts";
import { type DecodeBudget, type Release, smallBytes } from "./decode-budget.ts";
import type { DecoderProcess } from "./decoder-process.ts";
import { checkMemory, decodeMilliseconds, readMilliseconds } from "./limits.ts";
import type { DecoderReply, ImageSource } from "./messages.ts";
import { fromPlain } from "./plain-error.ts";

/** If the file is not read within this time, the job counts as waiting, so that another job may compute. */
const patienceMilliseconds = 250;
/** A cancelled decode may finish within this time before it is killed: a new process takes as long to start. */
const graceMilliseconds = 500;
/** A process that uses more memory than this after an image is killed, because it does not free that memory. */
const maxIdleBytes = 200e6;

export interface DecodeTask {
  readonly source: ImageSource;
  readonly options: DecodeOptions;
  readonly resolve: (image: RgbImage) => void;
  readonly reject: (reason: unknown) => void;
}

/** The process ended before it had read the image, so the image is not the cause. */
export class EndedEarly extends Error {}

export class DecodingJob {
  readonly process: DecoderProcess;
  readonly #task: DecodeTask;
  readonly #budget: Pick<DecodeBudget, "acquire">;
  readonly #changed: (job: DecodingJob) => void;
  readonly #ended = new AbortController();
  /** Timers for the start of waiting and for the time limit. */
  #waiting: NodeJS.Timeout;
  #deadline: NodeJS.Timeout;
  #release: Release = () => undefined;
  readonly #forget: () => void;
  #computes = true;
  #isRead = false;
  /** Whether the process is killed after this image. */
  #once = false;

  /** @param changed called when the job stops computing, and when it has ended */
  constructor(
    task: DecodeTask,
    process: DecoderProcess,
    budget: Pick<DecodeBudget, "acquire">,
    changed: (job: DecodingJob) => void,
  ) {
    const { source, options } = task;
    this.process = process;
    this.#task = task;
    this.#budget = budget;
    this.#changed = changed;
    this.#waiting = setTimeout(() => this.#wait(), patienceMilliseconds);
    this.#deadline = setTimeout(
      () => this.#stop(readTooSlow(source.name, readMilliseconds)),
      readMilliseconds,
    );
    this.#forget = whenAborted(options.signal, this.#leave);
    process.listen({
      reply: (reply) => void this.#reply(reply),
      ended: (how) => {
        const error = this.#isRead ? decoderEnded(source.name, how) : new EndedEarly(how);
        this.#end(() => task.reject(error));
      },
    });
    const { alpha, orientation, grey16, maxPixels, size } = options;
    process.post({ kind: "decode", source, options: { alpha, orientation, grey16, maxPixels, size } });
  }

  /** Whether the job counts as computing. */
  get computes(): boolean {
    return this.#computes && !this.over;
  }

  get over(): boolean {
    return this.#ended.signal.aborted;
  }

  async #reply(reply: DecoderReply): Promise<void> {
    if (this.over) return;
    switch (reply.kind) {
      case "needs":
        await this.#admit(reply.bytes);
        break;
      case "warning":
        this.#task.options.onWarning?.(reply.warning);
        break;
      case "done":
        this.#end(() => this.#task.resolve(reply.image), reply.rss);
        break;
      case "failed":
        this.#end(() => this.#task.reject(fromPlain(reply.error)), reply.rss);
        break;
    }
  }

  /** Waits until the budget has enough bytes, then lets decoding begin. */
  async #admit(bytes: number): Promise<void> {
    const { source, options } = this.#task;
    const { timeout = decodeMilliseconds } = options;
    this.#isRead = true;
    clearTimeout(this.#waiting);
    clearTimeout(this.#deadline);
    // The process waits for its next message, which may be about another image.
    if (options.signal?.aborted === true) {
      this.#end(() => undefined, 0);
      return;
    }
    this.#waiting = setTimeout(() => this.#wait(), 1);
    try {
      if (options.memory) {
        checkMemory(source.name, bytes, options.memory);
        this.#once = bytes > options.memory.here;
      }
      const either = AbortSignal.any([this.#ended.signal, ...(options.signal ? [options.signal] : [])]);
      this.#release = await this.#budget.acquire(bytes, either);
    } catch (error) {
      this.#end(() => this.#task.reject(error), 0);
      return;
    }
    clearTimeout(this.#waiting);
    this.#computes = true;
    if (bytes > smallBytes) {
      // Large images are slow anyway, so lower the priority. Kill the process afterwards to free its memory.
      this.process.yieldToOthers();
      this.#once = true;
    }
    this.#deadline = setTimeout(() => this.#stop(tooSlow(source.name, timeout)), timeout);
    this.process.post({ kind: "go" });
  }

  #wait(): void {
    this.#computes = false;
    this.#changed(this);
  }

  /** Handles the caller's abort. */
  readonly #leave = (): void => {
    const reason: unknown = this.#task.options.signal?.reason;
    this.#task.reject(reason);
    clearTimeout(this.#deadline);
    this.#deadline = setTimeout(() => this.#stop(reason), graceMilliseconds);
  };

  /** Kills the process, because its computation cannot be stopped in any other way. */
  #stop(reason: unknown): void {
    this.#end(() => this.#task.reject(reason));
  }

  /** @param rss the process's current memory in bytes; the process is killed if it is unknown */
  #end(settle: () => void, rss = Infinity): void {
    if (this.over) return;
    this.#ended.abort();
    clearTimeout(this.#waiting);
    clearTimeout(this.#deadline);
    this.#forget();
    this.process.listen(undefined);
    if (this.#once || rss > maxIdleBytes) this.process.kill();
    this.#release();
    settle();
    this.#changed(this);
  }
}
