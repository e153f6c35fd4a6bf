// `blip bench`: measures this package's speed on this machine, one row per measure.
import type { Command } from "commander";
import { describeInt8 } from "../bench/machine.ts";
import { bench, type BenchRow } from "../bench/run.ts";
import { measureNames } from "../bench/measures.ts";
import {
  addSourceOptions,
  chooseModel,
  collect,
  positiveInteger,
  threadsOption,
  warner,
  type SourceFlags,
} from "../common-options.ts";
import { exitCodes } from "../exit-codes.ts";
import { loadProgress, progressBar } from "../progress.ts";
import { rowPrinter } from "../rows.ts";
import { tableLines } from "../table.ts";
import { tell, type Terminal, typed } from "../terminal.ts";

interface BenchFlags extends SourceFlags {
  readonly model?: string;
  readonly row?: readonly string[];
  readonly runs: number;
  readonly threads?: number;
  readonly jsonl?: boolean;
}

const scales = {
  s: { unit: "s", divisor: 1 },
  bytes: { unit: "MB", divisor: 1e6 },
  "GFLOP/s": { unit: "GFLOP/s", divisor: 1 },
} as const;

/** Formats a number with three significant digits. */
const short = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toPrecision(3));

function lineOf(row: BenchRow): string[] {
  if ("notRun" in row) return [row.row, "not run", "-", "-", "-", `(${row.notRun.code})`];
  const { unit, divisor } = scales[row.unit];
  const spread = row.runs > 1 ? `${short(row.low / divisor)}-${short(row.high / divisor)}` : "-";
  const rate = row.rate === null ? "-" : `${short(row.rate)} GFLOP/s`;
  const share = row.ofProduct === null ? "-" : short(row.ofProduct.median);
  return [row.row, `${short(row.median / divisor)} ${unit}`, spread, rate, share, row.description];
}

/** The table, followed by a line on 8-bit products. */
function* toText(rows: readonly BenchRow[]): Generator<string> {
  yield* tableLines(["row", "median", "quartiles", "rate", "of product", "what"], rows.map(lineOf), 0);
  const int8 = rows.map((row) => ("notRun" in row ? null : row.int8)).find((found) => found !== null);
  if (int8) yield* ["", describeInt8(int8)];
}

async function run(flags: BenchFlags, terminal: Terminal): Promise<number> {
  const { row, runs, threads, textHeads, revision, offline, allowPrivateRedirects } = flags;
  const progress = progressBar(terminal, flags.quiet);
  const printer = rowPrinter<BenchRow>(terminal, flags, toText);
  let [missing, broken] = [0, 0];
  const source = chooseModel(flags, terminal, "Salesforce/blip-itm-base-flickr");
  try {
    const rows = bench(source, {
      ...{ rows: row, runs, threads, textHeads, revision, offline, allowPrivateRedirects },
      signal: terminal.signal,
      onWarning: warner(flags, terminal),
      onProgress: loadProgress(progress, terminal, flags.quiet),
      onRow: ({ done, total }) => progress.update("rows", done, total),
    });
    const reasons = new Set<string>();
    for await (const benchRow of rows) {
      printer.add(benchRow);
      if (!("notRun" in benchRow)) continue;
      missing++;
      const { code, message } = benchRow.notRun;
      if (code === "model/not-finite") broken++;
      if (flags.quiet !== true && !reasons.has(message))
        tell(terminal, `Not run: ${typed(terminal, message)}`);
      reasons.add(message);
    }
    printer.end();
    // A model need not do every task. The requested rows must be measured, and outputs must be finite.
    const failed = (row !== undefined && missing > 0) || broken > 0;
    return failed ? exitCodes.failed : exitCodes.done;
  } finally {
    progress.stop();
  }
}

export function addBench(program: Command, terminal: Terminal, finish: (code: number) => void): void {
  const command = program
    .command("bench")
    .description(
      "how fast a model runs here: medians and quartiles, beside the rate of the engine's own matrix product",
    )
    .option(
      "--model <M>",
      "a folder, a file or its URL, a suite, picture-book, or a Hub id (default: $BLIP_MODEL, else picture-book)",
    )
    .option(
      "--row <ROW>",
      `a measure (${measureNames.join(", ")}), or one in a type (image-int8); may be given again (default: all)`,
      collect,
    )
    .option("--runs <N>", "number of counted samples per row", positiveInteger("--runs"), 7)
    .addOption(threadsOption())
    .option("--jsonl", "JSON rows, one per line, as they arrive");
  addSourceOptions(command).action(async (flags: BenchFlags) => finish(await run(flags, terminal)));
}
