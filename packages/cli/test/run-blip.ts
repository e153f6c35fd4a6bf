// The command with streams of its own: what a script sees of it.
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { Readable, Writable } from "node:stream";
import { main } from "../src/index.ts";

const root = new URL("../../../", import.meta.url);
export const path = (relative: string) => fileURLToPath(new URL(relative, root));
export const scene = (number: string) => path(`examples/scenes/${number}.png`);
export const tiny = (name: string) => path(`fixtures/tiny/${name}`);

export type Row = Readonly<Record<string, unknown>> & { readonly image?: string };
export const rowsOf = (stdout: string) => JSON.parse(stdout) as Row[];

class Sink extends Writable {
  text = "";
  readonly isTTY: boolean;

  constructor(isTTY: boolean) {
    super();
    this.isTTY = isTTY;
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

export async function blip(
  args: readonly string[],
  given: { stdin?: string; env?: Record<string, string>; screen?: boolean } = {},
) {
  const [stdout, stderr] = [new Sink(false), new Sink(given.screen === true)];
  const code = await main(args, {
    stdin: Readable.from(given.stdin === undefined ? [] : [given.stdin]),
    stdout,
    stderr,
    env: given.env ?? {},
    signal: new AbortController().signal,
  });
  return { code, stdout: stdout.text, stderr: stderr.text };
}

/** Runs the training that `blip capfilt` printed, in one epoch. A shell splits the line into words. */
export async function pasted(printed: string) {
  const [, line = ""] = /Train on them:\n {2}blip (.*)\n$/.exec(printed) ?? [];
  const text = execFileSync("sh", ["-c", `printf '%s\\n' ${line}`], { encoding: "utf8" });
  const words = text.trim().split("\n");
  const run = await blip([...words, "--epochs", "1", "--threads", "1", "--workers", "0"]);
  return { ...run, words };
}
