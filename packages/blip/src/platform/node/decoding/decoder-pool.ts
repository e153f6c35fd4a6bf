// A pool of processes that decode images. A fixed number computes at a time, and callers take turns. While a process
// waits (for a disk, for memory), another may compute. A process that is too slow is killed and replaced.
import { whenAborted } from "@blip-ts/base";
import type { RgbImage } from "../../../image/raw-image.ts";
import { decoderEnded } from "../../../image/errors.ts";
import { FairQueue } from "../../../serve/fair-queue.ts";
import type { DecodeBudget } from "./decode-budget.ts";
import { DecoderProcess } from "./decoder-process.ts";
import { type DecodeTask, DecodingJob, EndedEarly } from "./decoding-job.ts";

/** The maximum number of waiting processes, in addition to computing processes. */
const maxWaiting = 16;

export class DecoderPool {
  readonly #size: number;
  readonly #budget: Pick<DecodeBudget, "acquire">;
  readonly #queue = new FairQueue<DecodeTask>();
  readonly #jobs = new Set<DecodingJob>();
  readonly #idle: DecoderProcess[] = [];

  /** @param size the maximum number of processes that compute at a time @param budget the memory budget for decoding */
  constructor(size: number, budget: Pick<DecodeBudget, "acquire">) {
    this.#size = size;
    this.#budget = budget;
  }

  /** The ids of the current processes. */
  get processes(): number[] {
    const processes = [...this.#idle, ...[...this.#jobs].map((job) => job.process)];
    return processes.flatMap(({ id }) => id ?? []);
  }

  /** Starts processes before the first image arrives. */
  warmUp(): void {
    while (this.#jobs.size + this.#idle.length < this.#size) this.#idle.push(this.#start());
  }

  /**
   * @throws {InputError} `image/...` for a fault of the image; `image/too-slow`, `image/decoder-ended`
   * @throws the signal's reason
   */
  async decode(task: Omit<DecodeTask, "resolve" | "reject">): Promise<RgbImage> {
    try {
      return await this.#decodeOnce(task);
    } catch (error) {
      if (!(error instanceof EndedEarly)) throw error;
    }
    // If a process died while it waited for work, the image is not the cause, so retry once.
    try {
      return await this.#decodeOnce(task);
    } catch (error) {
      throw error instanceof EndedEarly ? decoderEnded(task.source.name, error.message) : error;
    }
  }

  /** Kills all processes; decodes in progress fail. */
  close(): void {
    for (const process of [...this.#idle, ...[...this.#jobs].map((job) => job.process)]) process.kill();
  }

  async #decodeOnce(task: Omit<DecodeTask, "resolve" | "reject">): Promise<RgbImage> {
    const { signal, caller = "" } = task.options;
    signal?.throwIfAborted();
    let forget = (): void => undefined;
    try {
      return await new Promise<RgbImage>((resolve, reject) => {
        const waiting = { ...task, resolve, reject };
        // Once decoding has begun, the job handles the signal.
        forget = whenAborted(signal, () => {
          if (this.#queue.remove(caller, waiting)) reject(signal?.reason as Error);
        });
        this.#queue.push(caller, waiting);
        this.#next();
      });
    } finally {
      forget();
    }
  }

  #start(): DecoderProcess {
    return new DecoderProcess((gone) => {
      const place = this.#idle.indexOf(gone);
      if (place >= 0) this.#idle.splice(place, 1);
    });
  }

  #next(): void {
    for (;;) {
      const computing = [...this.#jobs].filter((job) => job.computes).length;
      if (computing >= this.#size || this.#jobs.size >= this.#size + maxWaiting) return;
      const task = this.#queue.take();
      if (!task) return;
      this.#begin(task);
    }
  }

  #begin(task: DecodeTask): void {
    let process: DecoderProcess;
    try {
      process = this.#idle.pop() ?? this.#start();
    } catch (error) {
      // The runtime may forbid this program to start processes.
      task.reject(decoderEnded(task.source.name, error instanceof Error ? error.message : String(error)));
      return;
    }
    this.#jobs.add(new DecodingJob(task, process, this.#budget, (job) => this.#changed(job)));
  }

  #changed(job: DecodingJob): void {
    if (job.over && this.#jobs.delete(job)) this.#keep(job.process);
    this.#next();
  }

  /** Keeps a reusable process idle for the next image; at most `size` processes are kept. */
  #keep(process: DecoderProcess): void {
    if (process.isGone) return;
    if (this.#idle.length < this.#size) this.#idle.push(process);
    else process.kill();
  }
}
