// A process that answers orders one by one (line_json.py, candle/src/main.rs). Its measurements exclude loading.
import { spawn, type ChildProcessByStdio } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";

interface Answer {
  readonly ok?: unknown;
  readonly error?: string;
}

export interface PeerCommand {
  /** The peer's name in messages. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** @param script a file in this folder */
export const pythonPeer = (python: string, script: string, args: readonly string[]) =>
  new PeerProcess({
    name: script,
    command: python,
    args: [fileURLToPath(new URL(script, import.meta.url)), ...args],
    env: { HF_HUB_OFFLINE: "1", TQDM_DISABLE: "1" },
  });

export class PeerProcess implements AsyncDisposable {
  readonly #process: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #ended: Promise<void>;
  #waiting: ((answer: Answer) => void) | undefined;
  #said = "";
  #over: string | undefined;

  constructor({ name, command, args, env }: PeerCommand) {
    this.#process = spawn(command, [...args], {
      stdio: ["pipe", "pipe", "pipe"],
      env: { ...process.env, ...env },
    });
    createInterface(this.#process.stdout).on("line", (line) => this.#answer(JSON.parse(line) as Answer));
    this.#process.stderr.on(
      "data",
      (part: Buffer) => (this.#said = (this.#said + part.toString()).slice(-2000)),
    );
    // If the process has ended, `#ended` below answers an order, not the pipe's error.
    this.#process.stdin.on("error", () => undefined);
    this.#ended = new Promise((resolve) => {
      const end = (reason: string) => {
        this.#over ??= reason;
        this.#answer({ error: this.#over });
        resolve();
      };
      this.#process.on("error", (error) => end(`${command}: ${error.message}`));
      this.#process.on("close", (code) =>
        end(`${name} ended (exit code ${code}): ${this.#said.trim().split("\n").at(-1)}`),
      );
    });
  }

  /** Sends one order; one at a time. @throws {Error} with the process's own message */
  async call(name: string, given: object = {}): Promise<unknown> {
    if (this.#waiting) throw new Error("one order at a time");
    if (this.#over !== undefined) throw new Error(this.#over);
    const answer = await new Promise<Answer>((resolve) => {
      this.#waiting = resolve;
      this.#process.stdin.write(`${JSON.stringify({ do: name, with: given })}\n`);
    });
    if (answer.error !== undefined) throw new Error(answer.error);
    return answer.ok;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.stdin.end();
    await this.#ended;
  }

  #answer(answer: Answer): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.(answer);
  }
}
