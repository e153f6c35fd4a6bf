// Compares a training step with PyTorch's: the same captioner (LM) or matcher (ITM), weights, batch and threads, step
// by step in turn. Clipping and AdamW are included. Needs a Python with torch and transformers
// (oracle/train/requirements.txt).
//
//   npm run build && npx tsx bench/train-step.ts [--objective lm|itm] [--size small] [--steps 8] [--threads 2] [--recompute]
//   [--batches 1] [--others 0.1 --seconds 200] [--priority N] [--python P]
import { spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { cpus, setPriority, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { openCheckpoint } from "@blip-ts/checkpoint";
import { fileSource } from "../packages/blip/src/platform/node/local-files.ts";
import { nodeTraining } from "../packages/blip/src/platform/node/training-platform.ts";
import { createTrainer } from "../packages/blip/src/train/loop/trainer.ts";
import { batchOf, objectiveOf, objectives, sizes, type ObjectiveName, type Size } from "./training-models.ts";

const { values } = parseArgs({
  options: {
    objective: { type: "string", default: "lm" },
    size: { type: "string", default: "small" },
    steps: { type: "string", default: "8" },
    threads: { type: "string", default: String(cpus().length) },
    recompute: { type: "boolean", default: false },
    /** Number of batches that take turns. */
    batches: { type: "string", default: "1" },
    /** A turn counts only if other programs took at most this share of the processor (Linux). */
    others: { type: "string", default: "Infinity" },
    /** Ends the turns after this time, however many of them count. */
    seconds: { type: "string", default: "Infinity" },
    /**
     * Priority of all threads of both sides, from -20 (highest; Linux, requires root). By default each side keeps its
     * own.
     */
    priority: { type: "string" },
    only: { type: "string" },
    python: { type: "string", default: process.env.BLIP_BENCH_PYTHON ?? "python3" },
  },
});

interface Step {
  readonly ms: number;
  /** Processor time on all threads, including threads that spin while they wait. */
  readonly cpu: number;
  readonly loss: number;
  readonly norm: number;
  /** The process's peak memory, MB. */
  readonly peak: number;
  /** The share of all cores' time that other programs took during the step. */
  readonly others: number;
}

/**
 * Milliseconds of all cores that programs or the hypervisor took since the system's start; 0 on systems other than
 * Linux.
 */
async function takenByAll(): Promise<number> {
  const text = await readFile("/proc/stat", "utf8").catch(() => "");
  const [user = 0, nice = 0, system = 0, , , irq = 0, soft = 0, steal = 0] = (
    /^cpu +(.*)$/m.exec(text)?.[1] ?? "0"
  )
    .split(" ")
    .map(Number);
  return 10 * (user + nice + system + irq + soft + steal);
}

const shareOfOthers = (taken: number, { ms, cpu }: Pick<Step, "ms" | "cpu">) =>
  Math.max(0, taken - cpu) / (ms * cpus().length);

/** Linux first divides time among sessions, by a priority for each whole session. */
if (values.priority !== undefined)
  await writeFile("/proc/self/autogroup", values.priority).catch(() => undefined);

/** Gives all threads of a process the requested priority. */
async function prioritize(process: number) {
  if (values.priority === undefined) return;
  for (const thread of await readdir(`/proc/${process}/task`))
    setPriority(Number(thread), Number(values.priority));
}

/** Starts a PyTorch process that runs one step per call. */
async function pytorch(folder: string, size: Size) {
  const script = new URL("train_step.py", import.meta.url).pathname;
  const child = spawn(values.python, [script, objective, folder, JSON.stringify(size), values.threads], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => {
    const reply = await lines.next();
    if (reply.done === true) throw new Error("PyTorch ended");
    return JSON.parse(reply.value) as unknown;
  };
  const { ready } = (await next()) as { readonly ready: number };
  return {
    parameters: ready,
    process: child.pid ?? NaN,
    step: async (turn: number) => {
      const before = await takenByAll();
      child.stdin.write(`${turn}\n`);
      const step = (await next()) as Omit<Step, "others">;
      return { ...step, others: shareOfOthers((await takenByAll()) - before, step) };
    },
    end: () => child.stdin.end(),
  };
}

async function ours(folder: string, size: Size) {
  const { tensors } = await openCheckpoint(await fileSource(join(folder, "weights.safetensors")));
  const trainer = await createTrainer(nodeTraining, {
    ...{
      objective: objectiveOf(objective, size),
      weights: tensors,
      stepsPerEpoch: 1,
      threads: Number(values.threads),
      recompute: values.recompute,
    },
    optimizer: { schedule: { kind: "constant", lr: 1e-4 }, decay: 0.05, clip: 1 },
  });
  return {
    estimate: trainer.estimate(batchOf(objective, size, 0)),
    step: async (turn: number): Promise<Step> => {
      const batch = batchOf(objective, size, turn);
      const taken = await takenByAll();
      const [begin, before] = [performance.now(), process.cpuUsage()];
      const { loss, norm } = await trainer.step(batch);
      const ms = performance.now() - begin;
      const { user, system } = process.cpuUsage(before);
      const cpu = (user + system) / 1000;
      const others = shareOfOthers((await takenByAll()) - taken, { ms, cpu });
      return { ms, cpu, loss, norm, peak: process.resourceUsage().maxRSS / 1024, others };
    },
    end: () => trainer.close(),
  };
}

const median = (numbers: readonly number[]) => {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? NaN;
};
const line = (name: string, steps: readonly Step[]) => {
  const of = (key: keyof Step) => steps.map((step) => step[key]);
  return (
    `${name}: median ${median(of("ms")).toFixed(0)} ms, best ${Math.min(...of("ms")).toFixed(0)} ms, of the processor ` +
    `${median(of("cpu")).toFixed(0)} ms, peak ${Math.max(...of("peak")).toFixed(0)} MB, others took ${median(of("others")).toFixed(2)}`
  );
};

interface Turn {
  readonly own: Step;
  readonly theirs: Step;
}

/** Runs one step of each side in turn, until enough turns count or the time is over. */
async function takeTurns(
  sides: Readonly<Record<keyof Turn, (turn: number) => Promise<Step>>> & {
    readonly prioritize: () => Promise<void>;
  },
  { steps, batches, seconds, others }: Readonly<Record<"steps" | "batches" | "seconds" | "others", number>>,
) {
  const begun = performance.now();
  const all: Turn[] = [];
  const counted: Turn[] = [];
  while (counted.length < steps && performance.now() - begun < 1000 * seconds) {
    const batch = all.length % batches;
    const own = values.only === "pytorch" ? undefined : await sides.own(batch);
    const theirs = values.only === "ours" ? undefined : await sides.theirs(batch);
    const turn = { own: own ?? none, theirs: theirs ?? none };
    // The first turn starts threads and allocates memory that later turns use again.
    if (all.length === 0) await sides.prioritize();
    if (all.length > 0 && Math.max(turn.own.others, turn.theirs.others) <= others) counted.push(turn);
    all.push(turn);
  }
  return { all, counted };
}

const none: Step = { ms: NaN, cpu: NaN, loss: NaN, norm: NaN, peak: NaN, others: 0 };

const isObjective = (name: string): name is ObjectiveName => objectives.some((known) => known === name);
if (!isObjective(values.objective))
  throw new Error(`--objective: expected one of ${objectives.join(", ")}, got ${values.objective}`);
const objective = values.objective;
const size = (sizes as Readonly<Record<string, Size>>)[values.size];
if (!size) throw new Error(`--size: expected one of ${Object.keys(sizes).join("; ")}, got ${values.size}`);
const folder = await mkdtemp(join(tmpdir(), "train-step-"));
try {
  const batches = Number(values.batches);
  for (let turn = 0; turn < batches; turn++)
    for (const [name, { data }] of Object.entries(batchOf(objective, size, turn)))
      await writeFile(join(folder, `${name}-${turn}.bin`), data);
  const theirs = await pytorch(folder, size);
  const own = await ours(folder, size);
  console.log(
    `${objective}, ${values.size}: ${(theirs.parameters / 1e6).toFixed(1)} M parameters; estimate`,
    own.estimate,
  );
  const { all, counted } = await takeTurns(
    {
      own: (turn) => own.step(turn),
      theirs: (turn) => theirs.step(turn),
      prioritize: async () => {
        await prioritize(process.pid);
        await prioritize(theirs.process);
      },
    },
    {
      steps: Number(values.steps),
      batches,
      seconds: Number(values.seconds),
      others: Number(values.others),
    },
  );
  console.log(`${counted.length} of ${all.length - 1} turns count`);
  console.log(
    line(
      "blip-ts",
      counted.map((turn) => turn.own),
    ),
  );
  console.log(
    line(
      "PyTorch",
      counted.map((turn) => turn.theirs),
    ),
  );
  const of = (key: "ms" | "cpu") =>
    median(counted.map((turn) => turn.own[key] / turn.theirs[key])).toFixed(2);
  const off = all.map((turn) => Math.abs(turn.own.loss - turn.theirs.loss));
  console.log(
    `median of ratios, turn by turn: ${of("ms")}, of processor time ${of("cpu")}; losses ${all[0]?.own.loss} -> ` +
      `${all.at(-1)?.own.loss}, apart by at most ${Math.max(...off)}`,
  );
  theirs.end();
  await own.end();
} finally {
  await rm(folder, { recursive: true, force: true });
}
