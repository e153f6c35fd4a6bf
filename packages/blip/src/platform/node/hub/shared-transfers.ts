// Transfers of this process: who asks for a file that is on its way already waits for that, and does not begin another one.
import type { DownloadProgress } from "../../../files.ts";
import { unlessAborted } from "@blip-ts/base";

type Report = (progress: DownloadProgress) => void;

/** What a transfer is told: when to stop, and whom to tell how far it is. */
export interface TransferWatch {
  /** Aborts when nobody waits any more. */
  readonly signal: AbortSignal;
  readonly report: Report;
}

export interface WaiterOptions {
  /** What the waiter calls the file. */
  readonly file: string;
  /** Ends the waiting; the transfer goes on for the others. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: Report | undefined;
}

class Shared {
  readonly #stop = new AbortController();
  readonly #reports = new Set<Report>();
  #last: DownloadProgress | undefined;
  #waiting = 0;
  readonly done: Promise<void>;

  constructor(transfer: (watch: TransferWatch) => Promise<void>) {
    const report = (progress: DownloadProgress) => {
      this.#last = progress;
      for (const one of this.#reports) one(progress);
    };
    this.done = transfer({ signal: this.#stop.signal, report });
    // Each waiter is told; that there may be none left is nobody's failure.
    this.done.catch(() => undefined);
  }

  get isGivenUp(): boolean {
    return this.#stop.signal.aborted;
  }

  async join({ file, signal, onProgress }: WaiterOptions): Promise<void> {
    const report: Report = (progress) => onProgress?.({ ...progress, file });
    this.#reports.add(report);
    this.#waiting++;
    try {
      if (this.#last) report(this.#last);
      await unlessAborted(this.done, signal);
    } finally {
      this.#reports.delete(report);
      if (--this.#waiting === 0) this.#stop.abort(new Error("nobody waits for it"));
    }
  }
}

/** By the path that is written. */
const running = new Map<string, Shared>();

/**
 * Runs a transfer, or waits for the one that runs under this key. It ends when nobody waits for it; its failure is that of
 * all who wait.
 */
export async function shareTransfer(
  key: string,
  waiter: WaiterOptions,
  transfer: (watch: TransferWatch) => Promise<void>,
): Promise<void> {
  const { signal } = waiter;
  for (;;) {
    signal?.throwIfAborted();
    const known = running.get(key);
    if (known?.isGivenUp !== true) {
      const shared = known ?? begin(key, transfer);
      await shared.join(waiter);
      return;
    }
    // One that was given up still puts its files away.
    await unlessAborted(
      known.done.catch(() => undefined),
      signal,
    );
  }
}

function begin(key: string, transfer: (watch: TransferWatch) => Promise<void>): Shared {
  const shared = new Shared(async (watch) => {
    try {
      await transfer(watch);
    } finally {
      running.delete(key);
    }
  });
  running.set(key, shared);
  return shared;
}
