// `npm run fuzz TARGET MINUTES [SEED]`: cases of new seeds in a thread of their own, until the time is over or one fails. The
// main thread watches: a case that does not end is said with its seed, and ends the program.
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { fuzz, type FuzzReport } from "./harness.ts";
import { targets } from "./targets.ts";

/** Cases of a seed. */
const batch = 1_000;
/** Seconds without an end of a case, after which it is said to hang. */
const patience = 20;

interface Task {
  readonly target: string;
  readonly seed: number;
  /** The seed that runs, and how many cases of it have begun. */
  readonly place: Int32Array<SharedArrayBuffer>;
  readonly minutes: number;
}

/** This file in a thread, in which Node 20 needs to be told what TypeScript is. */
const inThread = `import("tsx/esm/api").then(({ register }) => {
  register();
  return import(${JSON.stringify(import.meta.url)});
});`;

async function work({ target: name, seed: first, place, minutes }: Task): Promise<void> {
  const target = targets.find((one) => one.name === name);
  if (!target) throw new Error(`no target ${name}`);
  let [cases, slowest, megabytes] = [0, 0, 0];
  const end = Date.now() + 60_000 * minutes;
  const endings = new Map<string, number>();
  for (let seed = first; Date.now() < end; seed++) {
    place.set([seed, 0]);
    const report: FuzzReport = await fuzz(target, { seed, cases: batch }, () => Atomics.add(place, 1, 1));
    cases += report.cases;
    slowest = Math.max(slowest, report.slowest);
    megabytes = Math.max(megabytes, report.megabytes);
    for (const [ending, count] of report.endings) endings.set(ending, (endings.get(ending) ?? 0) + count);
  }
  parentPort?.postMessage({ cases, slowest, megabytes, endings: Object.fromEntries(endings) });
}

function watch(target: string, minutes: number, seed: number): void {
  const place = new Int32Array(new SharedArrayBuffer(8));
  const worker = new Worker(inThread, {
    eval: true,
    workerData: { target, seed, place, minutes } satisfies Task,
  });
  let [before, since] = ["", Date.now()];
  const timer = setInterval(() => {
    const now = place.join(" ");
    if (now !== before) [before, since] = [now, Date.now()];
    if (Date.now() - since < 1000 * patience) return;
    console.error(`${target}: case ${place[1]} of seed ${place[0]} has not ended for ${patience} s`);
    process.exit(1);
  }, 1000);
  worker.on("message", (report: unknown) => console.log(target, report));
  worker.on("error", (error) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  });
  worker.on("exit", () => clearInterval(timer));
}

if (isMainThread) {
  const [name = "", minutes = "1", seed] = process.argv.slice(2);
  if (targets.some((target) => target.name === name))
    watch(name, Number(minutes), Number(seed ?? Math.floor(Math.random() * 2 ** 30)));
  else {
    console.error(
      `npm run fuzz TARGET MINUTES [SEED]; targets: ${targets.map((target) => target.name).join(", ")}`,
    );
    process.exitCode = 2;
  }
} else await work(workerData as Task);
