// Writes docs/benchmarks.md from the results alone.
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

/** A goal is met if the median reaches it, or the spread does. */
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

/** The line as the page shows it. If the peer was not requested, an optional line is left out or shown alone. */
export function shown(line: Line, { samples, notRun }: Results): Line[] {
  const { peer, optional, ...alone } = line;
  if (optional === undefined || peer === undefined || peer in samples || peer in notRun) return [line];
  return optional === "line" ? [] : [alone];
}

/** The page's note on candle, measured or not. */
const candleText = (measured: boolean): string =>
  measured
    ? "- candle's BLIP is candle-transformers' model with candle's own matrix products, compiled for the processor. It runs as a program, and as WebAssembly with SIMD and one thread. As in candle's example, caption steps keep the text's keys and values and compute the image's again."
    : "- candle's BLIP, in Rust and as WebAssembly, was not measured.";

const candlePrefix = "candle ";

/** The largest differences of outputs from each peer's, as a table; nothing if none was compared. */
function agreementTable(agreement: Results["agreement"]): string[] {
  const names = [...new Set(Object.keys(agreement).map((name) => name.replace(candlePrefix, "")))];
  if (names.length === 0) return [];
  const prefixes = ["", candlePrefix].filter((prefix) =>
    names.some((name) => `${prefix}${name}` in agreement),
  );
  const cell = (key: string) => {
    const compared = agreement[key];
    return compared ? `${compared.difference.toExponential(1)} of up to ${short(compared.scale)}` : "-";
  };
  const head = ["output", ...prefixes.map((prefix) => (prefix === "" ? "transformers" : "candle"))];
  return [
    "",
    "The largest differences of blip-ts' outputs from the peers', fp32, in this run (for captions, of token ids):",
    "",
    row(head),
    row(head.map(() => "---")),
    ...names.map((name) => row([name, ...prefixes.map((prefix) => cell(`${prefix}${name}`))])),
  ];
}

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
  return [
    "# Benchmarks",
    "",
    `\`npm run bench\` measured bench/results/benchmark.json on ${results.made}; \`npx tsx bench/table.ts\` writes this document from it and from bench/notes.md. The values are medians of ${settings.runs} runs, with quartiles in brackets; blip-ts and its peer alternate. ` +
      "A ratio states how many times better blip-ts is than the peer, run by run. A goal is met if the median or the spread of quartiles reaches it.",
    "",
    `${machine.cores} cores of ${machine.cpu}, ${(machine.memory / 2 ** 30).toFixed(0)} GiB, ${machine.system}; ${settings.threads} threads for each side. ` +
      `${Object.entries(versions)
        .map(([name, version]) => `${name} ${version}`)
        .join(", ")}.${rates.length > 0 ? ` In the same run ${rates.join(", and ")}.` : ""}`,
    "",
    row(head),
    row(head.map(() => "---")),
    ...lines.flatMap((line) => shown(line, results)).map((line) => row(cells(line, results))),
    "",
    "What the rows measure:",
    "",
    "- The models are base models of 384 px with random weights (oracle/hf/full_size.py, full_size_tasks.py); only the shift by int8 is for the embedded model. Both sides read the same generated inputs.",
    `- 1 x 128 and 128 x 1 are ${settings.pairs} pairs of image states and texts of 12 tokens, without the image encoder. transformers gets image states that were encoded once and expanded over the texts, and runs at the best of a few batch sizes${tried.length > 0 ? ` (${tried.join(", ")})` : ""}.`,
    "- Captions are timed from the end of the image encoder; [SEP] is suppressed until the 20th token.",
    "- The first score is timed from outside, from the start of the process. It includes loading, one image from a file and one text. Resident memory is that process's peak (VmHWM).",
    "- In Chromium the engine is onnxruntime-web's WebAssembly with the same number of threads. Both rows do the same work as in Node above.",
    candleText(Object.keys(samples).some((lane) => lane.startsWith(candlePrefix))),
    "- Installed size is the package with its dependencies, compared with the Python environment's site-packages.",
    "- The shift by int8 is the largest difference from float32 among the ITM probabilities of the former embedded model: its twelve example scenes with their 24 sentences. For today's it is 0.045 ([weights.md](weights.md)).",
    "- On Linux the engine's threads have a lower priority, so that they do not block the caller's event loop. On a busy machine blip-ts therefore loses more than its peers; measure on a quiet one.",
    ...agreementTable(agreement),
    "",
  ].join("\n");
}
