// One image in a decoder process: its waits and its end.
import { whenAborted } from "@blip-ts/base";
import type { DecodeOptions } from "../../../image/decode-options.ts";
import { decoderEnded, readTooSlow, tooSlow } from "../../../image/errors.ts";
import type { RgbImage } from "../../../image/raw-image.ts";
import { type DecodeBudget, type Release, smallBytes } from "./decode-budget.ts";
import type { DecoderProcess } from "./decoder-process.ts";
import { checkMemory, decodeMilliseconds, readMilliseconds } from "./limits.ts";
import type { DecoderReply, ImageSource } from "./messages.ts";
import { fromPlain } from "./plain-error.ts";

/** A job whose file is not read within this time lends out its process's place. */
const patienceMilliseconds = 250;
/** A decode without a caller is killed after this time unless it finishes: starting a new process costs as much. */
const graceMilliseconds = 500;
/** A process that holds more than this after an image is replaced, because memory of large images is not returned. */
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

  /** @param changed called when its place becomes free for another job, and when it is over */
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

  /** Whether it holds a place of a computing process. */
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

  /** Lets decoding begin when the budget has the bytes. */
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
      // Large images take long in any case; the process is killed afterwards, which frees its memory.
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

  /** Kills the process: its computation cannot be stopped in any other way. */
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
