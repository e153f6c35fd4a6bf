// The parent's interface to a process that decodes images.
//
// Why a process: a native decode in a thread cannot be stopped. If sharp decodes a drawing whose filter never ends in
// this process, the decode continues after its caller has cancelled. Node cannot stop a thread of its pool, and
// `worker.terminate()` returns while the decode continues in that pool. Four such decodes occupy the pool's four
// threads and block every file read of the program. The system kills a process within milliseconds, whatever it
// computes (decoder-pool.slow.test.ts shows both).
import { type ChildProcess, fork } from "node:child_process";
import { constants, setPriority } from "node:os";
import { ownFile } from "@blip-ts/engine/node";
import type { DecoderReply, DecoderRequest } from "./messages.ts";

/** @throws {ModelError} `model/no-runtime` */
const decoderFile = () => ownFile("image-decoder.js", import.meta.url, "../../../../dist");

/** Describes the end of a process: its signal or its exit code. */
const endOf = (code: number | null, signal: string | null) => signal ?? `exit code ${code ?? "unknown"}`;

export interface DecoderListener {
  reply(reply: DecoderReply): void;
  /** @param how the signal or the exit code */
  ended(how: string): void;
}

/** A process and its current listener. */
export class DecoderProcess {
  readonly #child: ChildProcess;
  #listener: DecoderListener | undefined;
  #gone = false;

  /** @param onEnd called once, when the process is gone */
  constructor(onEnd: (process: DecoderProcess) => void) {
    this.#child = fork(decoderFile(), [], {
      // The program's own options are not passed on: with `--input-type=module` or a loader, the process would fail to
      // start or start slowly.
      execArgv: [],
      env: { ...process.env, NODE_OPTIONS: "" },
      serialization: "advanced",
      // GLib prints diagnostics of crafted images on stderr; they would be misleading in the program's output.
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

  /** Sets the listener. The program stays alive while there is one. */
  listen(listener: DecoderListener | undefined): void {
    this.#listener = listener;
    this.#keepsAlive(listener !== undefined);
  }

  post(request: DecoderRequest): void {
    // If sending fails, the end of the process reports it.
    this.#child.send(request, () => undefined);
  }

  /** Whether the process has ended or was killed. */
  get isGone(): boolean {
    return this.#gone || this.#child.killed;
  }

  /** Lowers the process's priority permanently. Has no effect if the system does not allow this. */
  yieldToOthers(): void {
    try {
      if (this.id !== undefined) setPriority(this.id, constants.priority.PRIORITY_BELOW_NORMAL);
    } catch {
      // The process may also have ended.
    }
  }

  /** Kills the process, even during a computation. */
  kill(): void {
    this.#child.kill("SIGKILL");
  }

  #keepsAlive(pending: boolean): void {
    // In Bun (1.4), the channel has neither method and does not keep the program alive.
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
