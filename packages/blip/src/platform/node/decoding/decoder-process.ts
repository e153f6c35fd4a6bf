// One process that decodes images, from its owner's side.
//
// Why a process: a native decode in a thread cannot be ended. A drawing whose filter computes without end, decoded by
// sharp in this process, goes on after its caller has left; Node has no call that stops a thread of its pool, and
// `worker.terminate()` returns while the decode goes on in that pool. Four of them take the pool's four threads, and with
// them every file that the program reads. A process is ended by the system, whatever it computes, in milliseconds
// (decoder-pool.slow.test.ts shows both).
import { type ChildProcess, fork } from "node:child_process";
import { constants, setPriority } from "node:os";
import { ownFile } from "@blip-ts/engine/node";
import type { DecoderReply, DecoderRequest } from "./messages.ts";

/** @throws {ModelError} `model/no-runtime` */
const decoderFile = () => ownFile("image-decoder.js", import.meta.url, "../../../../dist");

/** What the system says of a process that is gone. */
const endOf = (code: number | null, signal: string | null) => signal ?? `exit code ${code ?? "unknown"}`;

export interface DecoderListener {
  reply(reply: DecoderReply): void;
  /** @param how the signal or the exit code */
  ended(how: string): void;
}

/** A process, and who listens to it now. */
export class DecoderProcess {
  readonly #child: ChildProcess;
  #listener: DecoderListener | undefined;
  #gone = false;

  /** @param onEnd called once, when it is gone */
  constructor(onEnd: (process: DecoderProcess) => void) {
    this.#child = fork(decoderFile(), [], {
      // Not the program's own options: with `--input-type=module` or a loader no process would start, or slowly.
      execArgv: [],
      env: { ...process.env, NODE_OPTIONS: "" },
      serialization: "advanced",
      // GLib prints what it thinks of crafted images on stderr: it says nothing about what the program does.
      stdio: ["ignore", "ignore", "ignore", "ipc"],
    });
    const ended = (how: string) => {
      if (this.#gone) return;
      this.#gone = true;
      onEnd(this);
      this.#listener?.ended(how);
    };
    this.#child.on("message", (reply) => this.#listener?.reply(reply as DecoderReply));
    this.#child.on("error", (error) => ended(error.message));
    this.#child.on("exit", (code, signal) => ended(endOf(code, signal)));
    this.#keepsAlive(false);
  }

  get id(): number | undefined {
    return this.#child.pid;
  }

  /** Whoever is given keeps the program alive until it is done. */
  listen(listener: DecoderListener | undefined): void {
    this.#listener = listener;
    this.#keepsAlive(listener !== undefined);
  }

  post(request: DecoderRequest): void {
    // What cannot be sent is said by the end of the process.
    this.#child.send(request, () => undefined);
  }

  /** Has it ended, or been ended? */
  get isGone(): boolean {
    return this.#gone || this.#child.killed;
  }

  /** Lets others compute first, for good: a system that does not allow it lets it be. */
  yieldToOthers(): void {
    try {
      if (this.id !== undefined) setPriority(this.id, constants.priority.PRIORITY_BELOW_NORMAL);
    } catch {
      // It may have ended, too.
    }
  }

  /** Ends it, whatever it computes. */
  kill(): void {
    this.#child.kill("SIGKILL");
  }

  #keepsAlive(pending: boolean): void {
    // In Bun (1.4) a channel has neither method, and lets the program end by itself.
    const channel: { ref?(): void; unref?(): void } | null | undefined = this.#child.channel;
    if (pending) {
      this.#child.ref();
      channel?.ref?.();
    } else {
      this.#child.unref();
      channel?.unref?.();
    }
  }
}
