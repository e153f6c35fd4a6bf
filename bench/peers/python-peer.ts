// A Python process that answers one order after another (line_json.py): imports and loading are not in what it measures.
import { spawn, type ChildProcessByStdio } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";

interface Answer {
  readonly ok?: unknown;
  readonly error?: string;
}

export class PythonPeer implements AsyncDisposable {
  readonly #process: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #ended: Promise<void>;
  #waiting: ((answer: Answer) => void) | undefined;
  #said = "";
  #over: string | undefined;

  /** @param script a file of this folder */
  constructor(python: string, script: string, args: readonly string[]) {
    const file = fileURLToPath(new URL(script, import.meta.url));
    this.#process = spawn(python, [file, ...args], {
      stdio: ["pipe", "pipe", "pipe"],
      env: { ...process.env, HF_HUB_OFFLINE: "1", TQDM_DISABLE: "1" },
    });
    createInterface(this.#process.stdout).on("line", (line) => this.#answer(JSON.parse(line) as Answer));
    this.#process.stderr.on(
      "data",
      (part: Buffer) => (this.#said = (this.#said + part.toString()).slice(-2000)),
    );
    // An order to a process that has ended is answered below, not by the pipe's error.
    this.#process.stdin.on("error", () => undefined);
    this.#ended = new Promise((resolve) => {
      const end = (reason: string) => {
        this.#over ??= reason;
        this.#answer({ error: this.#over });
        resolve();
      };
      this.#process.on("error", (error) => end(`${python}: ${error.message}`));
      this.#process.on("close", (code) =>
        end(`${script} ended (exit code ${code}): ${this.#said.trim().split("\n").at(-1)}`),
      );
    });
  }

  /** One order at a time. @throws {Error} with what the process says */
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
