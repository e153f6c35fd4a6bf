// `npm run fuzz -- TARGET[=CASES]... [--minutes N] [--seed N]`: cases of new seeds, a process for each target and in it a
// thread, until there are so many, the minutes of the target are over, or one fails. The main thread watches: a case that
// does not end is said with its seed, and ends its process. So does a decoder that crashes; its seed stands on stderr.
import { spawnSync } from "node:child_process";
import { writeSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { fuzz, type FuzzTarget, megabytesNow } from "./harness.ts";
import { targets } from "./targets.ts";

/** Cases of a seed. */
const batch = 1_000;
/** Seconds without an end of a case, after which it is said to hang. */
const patience = 20;

interface Task {
  readonly target: string;
  readonly seed: number;
  /** The seed that runs, and how many cases of it have begun. */
  readonly position: Int32Array<SharedArrayBuffer>;
  readonly minutes: number;
  readonly cases: number;
}

/** This file in a thread, in which Node 20 needs to be told what TypeScript is. */
const inThread = `import("tsx/esm/api").then(({ register }) => {
  register();
  return import(${JSON.stringify(import.meta.url)});
});`;

function targetOf(name: string): FuzzTarget {
  const target = targets.find((known) => known.name === name);
  if (!target) throw new Error(`targets: ${targets.map((known) => known.name).join(", ")}`);
  return target;
}

/** What became of all cases; growth is counted from before the first one. */
class Tally {
  readonly target: FuzzTarget;
  readonly endings = new Map<string, number>();
  cases = 0;
  slowest = 0;
  megabytes = 0;

  constructor(target: FuzzTarget) {
    this.target = target;
  }

  async run(seed: number, options: Omit<Parameters<typeof fuzz>[1], "seed">): Promise<void> {
    const report = await fuzz(this.target, { ...options, seed });
    this.cases += report.cases;
    this.slowest = Math.max(this.slowest, report.slowest);
    this.megabytes = Math.max(this.megabytes, report.megabytes);
    for (const [ending, count] of report.endings)
      this.endings.set(ending, (this.endings.get(ending) ?? 0) + count);
  }

  text(first: number, last: number): string {
    const endings = [...this.endings]
      .sort(([, a], [, b]) => b - a)
      .map(([name, count]) => `${name} ${count}`);
    return [
      `${this.target.name}: ${this.cases} cases, seeds ${first} to ${last}, slowest ${this.slowest.toFixed(0)} ms,`,
      `grown by ${this.megabytes.toFixed(0)} MB at most (bound ${this.target.megabytes}): ${endings.join(", ")}`,
    ].join(" ");
  }
}

async function work({ target: name, seed: first, position, minutes, cases }: Task): Promise<void> {
  const tally = new Tally(targetOf(name));
  const end = Date.now() + 60_000 * minutes;
  const before = megabytesNow();
  let seed = first;
  for (; Date.now() < end && tally.cases < cases; seed++) {
    position.set([seed, 0]);
    writeSync(2, `${name}: seed ${seed}\r`);
    const most = Math.min(batch, cases - tally.cases);
    await tally.run(seed, { cases: most, before, onCase: () => Atomics.add(position, 1, 1) });
  }
  parentPort?.postMessage(tally.text(first, seed - 1));
}

function watch(task: Omit<Task, "position">): void {
  const position = new Int32Array(new SharedArrayBuffer(8));
  const worker = new Worker(inThread, { eval: true, workerData: { ...task, position } satisfies Task });
  let [before, since] = ["", Date.now()];
  const timer = setInterval(() => {
    const now = position.join(" ");
    // The sources are read before the first case.
    if (now !== before || position[0] === 0) [before, since] = [now, Date.now()];
    if (Date.now() - since < 1000 * patience) return;
    console.error(
      `${task.target}: case ${position[1]} of seed ${position[0]} has not ended for ${patience} s`,
    );
    process.exit(1);
  }, 1000);
  worker.on("message", (report: unknown) => console.log(report));
  worker.on("error", (error) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  });
  worker.on("exit", () => clearInterval(timer));
}

/** A target in a process of its own. @returns did all of its cases end well? */
function runApart(order: string, options: readonly string[]): boolean {
  const file = fileURLToPath(import.meta.url);
  const { status, signal } = spawnSync(process.execPath, [...process.execArgv, file, order, ...options], {
    stdio: "inherit",
  });
  if (status === 0) return true;
  console.error(`${order}: ended with ${signal ?? status}`);
  return false;
}

function main(): void {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { minutes: { type: "string" }, seed: { type: "string" } },
  });
  // As it was said before: TARGET MINUTES.
  const isMinutes = (text: string) => /^[\d.]+$/.test(text);
  const orders = positionals.filter((text) => !isMinutes(text));
  const minutes = values.minutes ?? positionals.find(isMinutes);
  const seed = values.seed ?? String(Math.floor(Math.random() * 2 ** 30));
  for (const order of orders) targetOf(order.replace(/=.*/, ""));
  const [first = "", ...others] = orders;
  if (others.length > 0) {
    const options = ["--seed", seed, ...(minutes === undefined ? [] : ["--minutes", minutes])];
    const ends = [first, ...others].map((order) => runApart(order, options));
    process.exitCode = ends.every(Boolean) ? 0 : 1;
    return;
  }
  const [name = "", count = "Infinity"] = first.split("=");
  const cases = Number(count);
  const most = Number(minutes ?? (cases < Infinity ? Infinity : 1));
  watch({ target: targetOf(name).name, minutes: most, cases, seed: Number(seed) });
}

if (isMainThread) {
  try {
    main();
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    console.error(`npm run fuzz -- TARGET[=CASES]... [--minutes N] [--seed N]: ${detail}`);
    process.exitCode = 2;
  }
} else await work(workerData as Task);
