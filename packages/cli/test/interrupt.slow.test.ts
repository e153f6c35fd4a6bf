// Ctrl-C: the program itself in a process of its own, as it was built.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:os";
import { afterEach, describe, expect, test } from "vitest";
import { path, scene, tiny } from "./run-blip.ts";

const broken = path("fixtures/images/text.jpg");

type Run = ReturnType<typeof start>;
const running = new Set<Run>();

function start(args: readonly string[]) {
  const child = spawn(process.execPath, [path("packages/blip/bin/blip.js"), ...args]);
  const printed = { stdout: "", stderr: "" };
  child.stdout.on("data", (part: Buffer) => (printed.stdout += part.toString()));
  child.stderr.on("data", (part: Buffer) => (printed.stderr += part.toString()));
  const ended = once(child, "close");
  return { child, printed, ended };
}

/** Runs `blip` until something has happened, and interrupts it. */
async function interrupt(args: readonly string[], until: (child: Run["child"]) => Promise<unknown>) {
  const run = start(args);
  running.add(run);
  const { child, printed, ended } = run;
  // The program may end before it has read all of its list.
  child.stdin.on("error", () => undefined);
  await until(child);
  child.kill("SIGINT");
  const [code, signal] = (await ended) as [number | null, NodeJS.Signals | null];
  // As a shell says it.
  const status = signal === null ? code : 128 + constants.signals[signal];
  return { status, ...printed };
}

afterEach(() => {
  for (const { child } of running) child.kill("SIGKILL");
  running.clear();
});

describe("blip, interrupted", () => {
  const caption = ["caption", "-", "--model", tiny("caption"), "--batch-size", "1"];
  /** More than can be captioned meanwhile. */
  const list = (first: string) => `${first}\n${`${scene("01")}\n`.repeat(20_000)}`;
  const printedTo = (stream: "stdout" | "stderr", first: string) => (child: Run["child"]) => {
    child.stdin.end(list(first));
    return once(child[stream], "data");
  };

  test("ends with 130, long before the list does; --jsonl has printed whole rows", async () => {
    const found = await interrupt([...caption, "--jsonl"], printedTo("stdout", scene("02")));
    expect(found).toMatchObject({ status: 130, stderr: "" });
    const lines = found.stdout.split("\n");
    expect(lines.pop()).toBe("");
    expect(lines.length).toBeGreaterThan(0);
    // The list goes on for minutes.
    expect(lines.length).toBeLessThan(10_000);
    for (const line of lines) expect(Object.keys(JSON.parse(line) as object)).toContain("caption");
  });

  test("prints no part of an array", async () => {
    // A broken picture is named on stderr when its row is there, while the engine is still loading.
    const found = await interrupt([...caption, "--json"], printedTo("stderr", broken));
    expect(found).toMatchObject({ status: 130, stdout: "" });
  });

  test("does not wait for the end of standard input", async () => {
    // More than pipes hold: what is written has been read.
    const read = ({ stdin }: Run["child"]) => new Promise((done) => stdin.write("a.png\n".repeat(1e5), done));
    const found = await interrupt(["match", "-", "-t", "a dog"], read);
    expect(found).toMatchObject({ status: 130, stdout: "", stderr: "" });
  });
});
