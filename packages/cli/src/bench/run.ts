// Measures the rows of `blip bench` one after another: an uncounted warm-up, then the runs. If the number of operations
// is known, runs alternate with runs of the engine's own matrix product.
import { BlipError, type Int8Products, type ModelOptions, inspect, int8Products } from "blip-ts";
import { installed } from "./installed.ts";
import { machine, type Machine } from "./machine.ts";
import {
  BenchModels,
  dtypes,
  measureNames,
  measures,
  prepare,
  type BenchDType,
  type MeasureName,
  type Probe,
} from "./measures.ts";
import { ratios, summarize, type Summary } from "./statistics.ts";
import { badFlag } from "../errors.ts";

/** The setting of a measurement. */
interface Setting {
  readonly model: string;
  readonly threads: number;
  readonly machine: Machine;
  /** Versions of this package, of the packages that determine its speed, and of Node. */
  readonly versions: Readonly<Record<string, string>>;
}

interface RowName extends Setting {
  readonly row: string;
  readonly measure: MeasureName;
  /** The computation type; null for a measure without a network. */
  readonly dtype: BenchDType | null;
  readonly description: string;
}

export interface MeasuredRow extends RowName, Summary {
  readonly unit: "s" | "bytes" | "GFLOP/s";
  readonly values: readonly number[];
  /** GFLOP/s of the median; null if the operations depend on the method of computation. */
  readonly rate: number | null;
  /** The rate as a share of the rate of the engine's own product, measured in alternation. */
  readonly ofProduct: Summary | null;
  /** How this processor computes 8-bit products; null for other types. */
  readonly int8: Int8Products | null;
}

/** A row that the model, or this package, cannot measure. */
export interface MissingRow extends RowName {
  readonly notRun: { readonly code: string; readonly message: string };
}

export type BenchRow = MeasuredRow | MissingRow;

export interface BenchOptions extends ModelOptions {
  /** Measures (`image`) or rows (`image-int8`); by default all. */
  readonly rows?: readonly string[] | undefined;
  /** The number of counted samples per row. */
  readonly runs: number;
  /** Called before and after each row. */
  readonly onRow?: ((progress: { readonly done: number; readonly total: number }) => void) | undefined;
}

interface PlannedRow {
  readonly row: string;
  readonly measure: MeasureName;
  readonly dtype: BenchDType | null;
}

/** Ordered by type, so that only one type's models are in memory at a time. */
const allRows: readonly PlannedRow[] = [
  { row: "product", measure: "product", dtype: null },
  ...dtypes.flatMap((dtype) =>
    measureNames
      .filter((measure) => measure !== "product" && measure !== "install-size")
      .map((measure) => ({ row: `${measure}-${dtype}`, measure, dtype })),
  ),
  { row: "install-size", measure: "install-size", dtype: null },
];

/** @throws {UsageError} `usage/bad-option` for an unknown row */
function plan(asked: readonly string[] | undefined): readonly PlannedRow[] {
  if (!asked) return allRows;
  for (const one of asked)
    if (!allRows.some(({ row, measure }) => row === one || measure === one))
      throw badFlag(
        "--row",
        `one of ${measureNames.join(", ")}, or one of these in a type (image-int8)`,
        `"${one}"`,
      );
  return allRows.filter(({ row, measure }) => asked.includes(row) || asked.includes(measure));
}

interface Samples {
  readonly values: readonly number[];
  readonly memory: readonly number[];
  readonly ofProduct: readonly number[];
}

async function take(probe: Probe, product: Probe | undefined, runs: number, signal: AbortSignal | undefined) {
  const taken = { values: [] as number[], memory: [] as number[], own: [] as number[] };
  for (let run = 0; run <= runs; run++) {
    signal?.throwIfAborted();
    const own = await product?.sample();
    const { value, memory } = await probe.sample();
    if (run === 0 && runs > 0) continue;
    taken.values.push(value);
    if (memory !== undefined) taken.memory.push(memory);
    if (own && product?.operations !== undefined) taken.own.push(own.value / product.operations);
  }
  const perOperation = taken.values.map((value) => value / (probe.operations ?? NaN));
  const samples: Samples = {
    values: taken.values,
    memory: taken.memory,
    ofProduct: ratios(taken.own, perOperation),
  };
  return samples;
}

/**
 * Measures this package with a model.
 * @throws {UsageError} `usage/bad-option` for an unknown row @throws {ModelError} if the model cannot be opened
 */
export async function* bench(source: string, options: BenchOptions): AsyncGenerator<BenchRow> {
  const { rows, runs, onRow, ...load } = options;
  const planned = plan(rows);
  const { tasks } = await inspect(source, load);
  const setting = await settingOf(source, load);
  const models = new BenchModels(source, load);
  const memory = new Map<BenchDType, readonly number[]>();
  try {
    for (const [index, { row, measure, dtype }] of planned.entries()) {
      onRow?.({ done: index, total: planned.length });
      const name = { row, measure, dtype, description: measures[measure], ...setting };
      try {
        const result = await measured(measure, dtype);
        // Call `int8Products` after the row, because it starts an engine if no model has computed in 8 bits yet.
        yield { ...name, ...result, int8: dtype === "int8" ? await int8Products() : null };
      } catch (error) {
        if (!(error instanceof BlipError)) throw error;
        yield { ...name, notRun: { code: error.code, message: error.message } };
      }
      if (dtype !== null && planned[index + 1]?.dtype !== dtype) await models.release(dtype);
    }
  } finally {
    await models.close();
  }
  onRow?.({ done: planned.length, total: planned.length });

  async function measured(measure: MeasureName, dtype: BenchDType | null) {
    const known = measure === "memory" && dtype !== null ? memory.get(dtype) : undefined;
    if (known) return bytes(known);
    const kind = measure === "memory" ? "first-score" : measure;
    const probe = await prepare(kind, dtype ?? "fp32", models, { tasks });
    const beside = probe.operations !== undefined && measure !== "product";
    const product = beside ? await prepare("product", "fp32", models, { tasks }) : undefined;
    const once = measure === "install-size";
    const taken = await take(probe, product, once ? 0 : runs, load.signal);
    if (dtype !== null && taken.memory.length > 0) memory.set(dtype, taken.memory);
    if (measure === "memory") return bytes(taken.memory);
    if (once) return bytes(taken.values);
    const { operations } = probe;
    const rateOf = (seconds: number) => (operations ?? NaN) / seconds / 1e9;
    if (measure === "product") {
      const rates = taken.values.map(rateOf);
      return { unit: "GFLOP/s" as const, ...summarize(rates), values: rates, rate: null, ofProduct: null };
    }
    const summary = summarize(taken.values);
    return {
      ...{ unit: "s" as const, ...summary, values: taken.values },
      rate: operations === undefined ? null : rateOf(summary.median),
      ofProduct: product ? summarize(taken.ofProduct) : null,
    };
  }
}

const bytes = (values: readonly number[]) => ({
  ...{ unit: "bytes" as const, ...summarize(values), values },
  ...{ rate: null, ofProduct: null },
});

/** The packages whose versions are part of a measurement. */
const engines = ["blip-ts", "onnxruntime-node", "sharp"];

async function settingOf(model: string, { threads }: ModelOptions): Promise<Setting> {
  const here = machine();
  const packages = await installed();
  const versions = packages.filter(({ name }) => engines.includes(name));
  return {
    ...{ model, threads: threads ?? here.cores, machine: here },
    versions: {
      ...Object.fromEntries(versions.map(({ name, version }) => [name, version])),
      node: process.version,
    },
  };
}
