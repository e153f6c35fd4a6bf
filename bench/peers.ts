// Measures this package and its peers in turn, in one run. bench/results/ keeps every sample; docs/benchmarks.md is
// generated from them.
//
//   npm run bench -- --itm FOLDER --caption FOLDER [--python P] [--runs 7] [--threads N] [--pairs 128]
//                    [--candle PATH] [--group NAME]... [--out FILE] [--resume]
//
// The folders are full-size ones made by oracle/hf/full_size.py and full_size_tasks.py. P has
// bench/peers/requirements.txt installed. PATH is bench/peers/candle or its program, built as its README.md describes.
// Run nothing else on the machine: on Linux the engine's threads have a lower priority, so other programs slow this
// package more than its peers.
import { mkdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { BenchModels, installed, machine, pairs as allPairs } from "@blip-ts/cli/bench";
import { candlePage, openBrowserBench, ourPage, type BenchPageFiles, type BrowserBench } from "./browser.ts";
import { groups, type Context, type Group } from "./groups.ts";
import { committedPage, committedResults, writePage } from "./page-file.ts";
import { candlePeer, findCandle } from "./peers/candle-peer.ts";
import { pythonPeer, type PeerProcess } from "./peers/peer-process.ts";
import { readResults, writeResults, type Results, type Settings } from "./results.ts";
import { takeTurns } from "./take-turns.ts";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

const { values: given } = parseArgs({
  options: {
    itm: { type: "string" },
    caption: { type: "string" },
    python: {
      type: "string",
      default: process.env.BLIP_BENCH_PYTHON ?? here("../oracle/hf/.venv/bin/python"),
    },
    candle: { type: "string" },
    runs: { type: "string", default: "7" },
    threads: { type: "string", default: String(machine().cores) },
    pairs: { type: "string", default: String(allPairs) },
    group: { type: "string", multiple: true },
    out: { type: "string", default: committedResults },
    resume: { type: "boolean", default: false },
  },
});
const { itm, caption, python, out, resume } = given;
if (itm === undefined || caption === undefined)
  throw new Error("usage: npm run bench -- --itm FOLDER --caption FOLDER [--python P] [--runs N]");

function count(name: "runs" | "threads" | "pairs"): number {
  const value = Number(given[name]);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new Error(`--${name}: expected a positive whole number, got "${given[name]}"`);
}
const [runs, threads, pairs] = [count("runs"), count("threads"), count("pairs")];

const report = (text: string) => process.stderr.write(`${new Date().toTimeString().slice(0, 8)} ${text}\n`);

const weights = async (folder: string) => (await stat(join(folder, "model.safetensors"))).size;
const settings: Settings = {
  ...{ runs, threads, pairs },
  models: { itm: await weights(itm), caption: await weights(caption) },
};

/** The run so far, if it may continue: it has the same settings and the same kind of machine. */
async function begun(): Promise<Results | undefined> {
  if (!resume) return undefined;
  const before = await readResults(out).catch(() => undefined);
  if (!before) return undefined;
  const same = (one: Results) => JSON.stringify([one.settings, one.machine]);
  if (same(before) === same({ ...before, settings, machine: machine() })) return before;
  throw new Error(
    `${out} was started with other settings or on another machine: give another --out, or leave out --resume`,
  );
}

const packages = await installed();
const versionOf = (name: string) => packages.find((one) => one.name === name)?.version ?? "not found";
const results: Results = (await begun()) ?? {
  made: new Date().toISOString().slice(0, 10),
  machine: machine(),
  versions: {
    "blip-ts": versionOf("blip-ts"),
    "onnxruntime-node": versionOf("onnxruntime-node"),
    node: process.version.slice(1),
  },
  settings,
  ...{ samples: {}, units: {}, operations: {}, batches: {}, notRun: {}, agreement: {} },
  done: [],
};
await mkdir(dirname(out), { recursive: true });

await using transformers = pythonPeer(python, "transformers_peer.py", [
  ...["--itm", itm, "--caption", caption, "--threads", String(threads)],
]);
await using openvino = pythonPeer(python, "openvino_peer.py", ["--itm", itm, "--threads", String(threads)]);
const built = given.candle === undefined ? undefined : await findCandle(given.candle);
await using candle = built && candlePeer(built.program, { itm, caption, threads });
const processes: Readonly<Record<string, PeerProcess | undefined>> = { transformers, openvino, candle };
for (const [name, process] of Object.entries(processes))
  await process?.call("versions").then(
    (versions) => Object.assign(results.versions, versions),
    (error: unknown) => report(`${name} does not answer: ${String(error)}`),
  );

const load = { threads, onWarning: () => undefined };
await using itmModels = new BenchModels(itm, load);
await using captionModels = new BenchModels(caption, load);
const pages = new Map<string, Promise<BrowserBench>>();
const page = (name: string, files: BenchPageFiles) => () => {
  const opened = pages.get(name) ?? openBrowserBench(caption, files);
  pages.set(name, opened);
  return opened;
};
const browser = page("blip-ts", ourPage(threads));
const candleInBrowser = built?.wasm === undefined ? undefined : page("candle", candlePage(built.wasm));
const context: Context = {
  ...{ itm: itmModels, caption: captionModels, transformers, openvino, candle, browser, candleInBrowser },
  ...{ python, threads, pairs },
  onOperations: (lane, operations) => (results.operations[lane] = operations),
  onBatch: (lane, batch) => (results.batches[lane] = batch),
};

const all = groups(context);
const unknown = given.group?.filter((name) => !all.some((group) => group.name === name)) ?? [];
if (unknown.length > 0)
  throw new Error(
    `--group: expected one of ${all.map(({ name }) => name).join(", ")}, got ${unknown.join(", ")}`,
  );
for (const group of all) {
  // A group that is requested by name is measured again.
  if (given.group ? !given.group.includes(group.name) : results.done.includes(group.name)) continue;
  await measure(group);
}

async function measure({ name, unit, lanes, once, memory }: Group): Promise<void> {
  report(`${name}: ${lanes.map((lane) => lane.name).join(", ")}`);
  const turns = await takeTurns(lanes, {
    ...{ runs: once === true ? 1 : runs, restMilliseconds: 200, report },
    warmUp: once !== true,
  });
  const others = Object.entries(results.notRun).filter(([lane]) => !lanes.some((one) => one.name === lane));
  results.notRun = Object.fromEntries(others);
  for (const lane of lanes) {
    const reason = turns.notRun.get(lane.name);
    if (reason !== undefined) results.notRun[lane.name] = reason;
    const samples = turns.samples.get(lane.name);
    if (!samples) continue;
    results.samples[lane.name] = samples.map(({ value }) => value);
    results.units[lane.name] = unit;
    if (memory === undefined) continue;
    const memoryLane = lane.name.replace(name, memory);
    results.samples[memoryLane] = samples.flatMap((sample) => sample.memory ?? []);
    results.units[memoryLane] = "bytes";
  }
  for (const [lane, [sample]] of turns.samples) {
    const [who, measured, dtype] = lane.split(" ");
    if (who !== "blip-ts" || dtype !== "fp32" || measured === undefined || !sample) continue;
    for (const peer of ["transformers", "candle"]) {
      const theirs = turns.samples.get(`${peer} ${measured} fp32`)?.[0]?.outputs ?? [];
      const agreement = compare(sample.outputs ?? [], theirs);
      if (agreement)
        results.agreement[peer === "transformers" ? measured : `${peer} ${measured}`] = agreement;
    }
  }
  if (!results.done.includes(name)) results.done.push(name);
  await writeResults(out, results);
}

function compare(
  ours: readonly number[],
  theirs: readonly number[],
): Results["agreement"][string] | undefined {
  if (ours.length === 0 || ours.length !== theirs.length) return undefined;
  return {
    difference: Math.max(...ours.map((value, index) => Math.abs(value - (theirs[index] ?? NaN)))),
    scale: Math.max(...theirs.map(Math.abs)),
  };
}

for (const opened of pages.values())
  await opened.then(
    (one) => one[Symbol.asyncDispose](),
    () => undefined,
  );
report(`written: ${out}`);
if (out === committedResults) {
  await writePage();
  report(`written: ${committedPage}`);
}
