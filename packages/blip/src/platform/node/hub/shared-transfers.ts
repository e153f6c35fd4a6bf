// Shares transfers within this process: a request for a file that is already being fetched waits for that transfer.
import type { DownloadProgress } from "../../../files.ts";
import { unlessAborted } from "@blip-ts/base";

type Report = (progress: DownloadProgress) => void;

/** The stop signal and the progress callback of a transfer. */
export interface TransferWatch {
  /** Aborts when the last waiter has cancelled. */
  readonly signal: AbortSignal;
  readonly report: Report;
}

export interface WaiterOptions {
  /** The waiter's own name of the file. */
  readonly file: string;
  /** Ends the waiting; the transfer continues for other waiters. */
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
    // Each waiter gets the error. Without waiters, the error is ignored.
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
      if (--this.#waiting === 0) this.#stop.abort(new Error("the last waiter has left"));
    }
  }
}

/** The running transfers, by the path of the target file. */
const running = new Map<string, Shared>();

/**
 * Runs a transfer, or joins a running transfer with the same key. The transfer is aborted when its last waiter cancels.
 * An error of the transfer rejects all waiters.
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
    // An abandoned transfer is still cleaning up its files.
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
