// docs/benchmarks.md, made of the results alone.
import { ratios, summarize, type Summary } from "@blip-ts/cli/bench";
import { lines, type Goal, type Line } from "./goals.ts";
import type { Results, Unit } from "./results.ts";

/** Three significant digits, without an exponent. */
export function short(value: number): string {
  if (value === 0) return "0";
  const digits = 2 - Math.floor(Math.log10(Math.abs(value)));
  return value.toFixed(Math.min(Math.max(digits, 0), 6));
}

const scales: Readonly<Record<Unit, { readonly name: string; readonly divisor: number }>> = {
  s: { name: " s", divisor: 1 },
  bytes: { name: " GB", divisor: 1e9 },
  "GFLOP/s": { name: " GFLOP/s", divisor: 1 },
  probability: { name: "", divisor: 1 },
};

function measured({ median, low, high, runs }: Summary, unit: Unit): string {
  const { name, divisor } = scales[unit];
  const spread = runs > 1 ? ` (${short(low / divisor)}-${short(high / divisor)})` : "";
  return `${short(median / divisor)}${name}${spread}`;
}

/** Met if the median reaches the goal, or the spread does. */
function verdict(goal: Goal, value: Summary | undefined, ratio: Summary | undefined): string {
  const found = goal.kind === "ratio" ? ratio : value;
  if (!found) return "not measured";
  const [reached, within, missing] =
    goal.kind === "ratio"
      ? [found.median >= goal.atLeast, found.high >= goal.atLeast, 1 - found.median / goal.atLeast]
      : [found.median <= goal.atMost, found.low <= goal.atMost, found.median / goal.atMost - 1];
  if (reached) return "met";
  if (within) return "met within the spread";
  return `missed by ${(missing * 100).toFixed(0)} %`;
}

function goalText(goal: Goal | undefined): string {
  if (!goal) return "-";
  if (goal.kind === "ratio") return `at least ${goal.atLeast}`;
  const { name, divisor } = scales[goal.unit];
  return `at most ${goal.atMost / divisor}${name}`;
}

/** The cells of a line: measure, ours, peer, ratio, goal, met. */
export function cells({ measure, ours, peer, compare = "values", goal }: Line, results: Results): string[] {
  const { samples, units, operations, notRun } = results;
  const laneText = (lane: string) => {
    const values = samples[lane];
    return values ? measured(summarize(values), units[lane] ?? "s") : "not run";
  };
  const [mine, theirs] = [samples[ours], peer === undefined ? undefined : samples[peer]];
  const perUnit = (lane: string, values: readonly number[]) =>
    compare === "rates" ? values.map((value) => value / (operations[lane] ?? NaN)) : values;
  const compared =
    mine && theirs && peer !== undefined
      ? summarize(ratios(perUnit(peer, theirs), perUnit(ours, mine)))
      : undefined;
  const reason = notRun[ours] ?? (peer === undefined ? undefined : notRun[peer]);
  const met = goal ? verdict(goal, mine && summarize(mine), compared) : "-";
  return [
    measure,
    laneText(ours),
    peer === undefined ? "-" : `${peerName(peer)}: ${laneText(peer)}`,
    compared ? measured(compared, "probability") : "-",
    goalText(goal),
    mine ? met : `not run${reason === undefined ? "" : `: ${reason}`}`,
  ];
}

/** A peer's name and the type in which it computes. */
function peerName(lane: string): string {
  const [name, , dtype] = lane.split(" ");
  if (name === "blip-ts") return "ONNX Runtime";
  return dtype === undefined ? `${name}` : `${name} ${dtype}`;
}

const row = (texts: readonly string[]) =>
  `| ${texts.map((text) => text.replaceAll("|", "\\|")).join(" | ")} |`;

/** A line as it can be shown: where its peer was not asked for, it may be left out, or stand alone. */
export function shown(line: Line, { samples, notRun }: Results): Line[] {
  const { peer, optional, ...alone } = line;
  if (optional === undefined || peer === undefined || peer in samples || peer in notRun) return [line];
  return optional === "line" ? [] : [alone];
}

/** What is said of candle, where it was measured or not. */
const candleText = (measured: boolean): string =>
  measured
    ? "- candle's BLIP is candle-transformers' with candle's own matrix products, compiled for the processor, as a program and as WebAssembly with SIMD and one thread. As in its example, a caption's steps keep the text's keys and values and make the picture's anew."
    : "- candle's BLIP, in Rust and as WebAssembly, was not measured.";

const candlePrefix = "candle ";

/** The page as Markdown, not yet formatted. */
export function benchmarkPage(results: Results): string {
  const { machine, versions, settings, batches, agreement, samples, units, operations } = results;
  const head = ["measure", "blip-ts", "peer", "ratio", "goal", "met"];
  const product = samples["blip-ts product fp32"];
  const rate = product?.map((seconds) => (operations["blip-ts product fp32"] ?? NaN) / seconds / 1e9);
  const torch = samples["torch product fp32"];
  const rates = [
    ...(rate ? [`ONNX Runtime's product 577x768x3072 ran at ${measured(summarize(rate), "GFLOP/s")}`] : []),
    ...(torch
      ? [`torch's best product at ${measured(summarize(torch), units["torch product fp32"] ?? "GFLOP/s")}`]
      : []),
  ];
  const tried = Object.entries(batches).map(([lane, batch]) => `${lane}: ${batch}`);
  const agreed = (candle: boolean) =>
    Object.entries(agreement)
      .filter(([name]) => name.startsWith(candlePrefix) === candle)
      .map(
        ([name, { difference, scale }]) =>
          `${name.slice(candle ? candlePrefix.length : 0)} ${difference.toExponential(1)} of up to ${short(scale)}`,
      )
      .join("; ");
  const [transformers, candle] = [agreed(false), agreed(true)];
  return [
    "# Benchmarks",
    "",
    `Made by \`npx tsx bench/table.ts\` from bench/results/benchmark.json (and bench/notes.md), which \`npm run bench\` measured on ${results.made}. Medians of ${settings.runs} runs in turn with quartiles in brackets. ` +
      "A ratio says how many times better blip-ts is than the peer, turn by turn; a goal is met if the median or the spread of quartiles reaches it.",
    "",
    `${machine.cores} cores of ${machine.cpu}, ${(machine.memory / 2 ** 30).toFixed(0)} GiB, ${machine.system}; ${settings.threads} threads for everyone. ` +
      `${Object.entries(versions)
        .map(([name, version]) => `${name} ${version}`)
        .join(", ")}.${rates.length > 0 ? ` In the same run ${rates.join(", ")}.` : ""}`,
    "",
    row(head),
    row(head.map(() => "---")),
    ...lines.flatMap((line) => shown(line, results)).map((line) => row(cells(line, results))),
    "",
    "What is measured:",
    "",
    "- Base models of 384 px with random weights (oracle/hf/full_size.py, full_size_tasks.py). Both sides read the same made-up inputs.",
    `- 1 x 128 and 128 x 1 are ${settings.pairs} pairs of pictures' states and texts of 12 tokens, without the image encoder. transformers gets the picture encoded once, its states expanded over the texts, and the best of a few batch sizes${tried.length > 0 ? ` (${tried.join(", ")})` : ""}.`,
    "- Captions are what comes after the image encoder, [SEP] held back until the 20th token.",
    "- The first score is timed from outside, from the start of the process: load, one picture from a file, one text. Resident memory is that process's peak (VmHWM).",
    "- In Chromium the engine is onnxruntime-web's WebAssembly with as many threads; both rows are the same work as in Node above.",
    candleText(Object.keys(samples).some((lane) => lane.startsWith(candlePrefix))),
    "- Installed size is that of the package with its dependencies, and of the Python environment's site-packages.",
    "- The shift by int8 is the largest of the embedded model's ITM probabilities against float32: twelve example scenes with their 24 sentences.",
    "- The engine's threads have a lower priority on Linux, so that the caller's event loop is not held up: on a busy machine this package loses more than its peers. Measure on a quiet one.",
    ...(transformers === ""
      ? []
      : [
          "",
          `Largest difference of outputs between blip-ts and transformers, fp32, in this run (captions: of token ids): ${transformers}.${candle === "" ? "" : ` Between blip-ts and candle: ${candle}.`}`,
        ]),
    "",
  ].join("\n");
}
