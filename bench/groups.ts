// The lanes that are measured in turn: this package's probes, and the orders that make the peers do the same work.
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import {
  BenchModels,
  dtypes,
  firstScore,
  firstText,
  installed,
  prepare,
  type BenchDType,
  type Sample,
} from "@blip-ts/cli/bench";
import { match } from "blip-ts";
import { readFile } from "node:fs/promises";
import type { BrowserBench } from "./browser.ts";
import type { PeerProcess } from "./peers/peer-process.ts";
import type { Unit } from "./results.ts";
import type { Lane } from "./take-turns.ts";

export interface Context {
  readonly itm: BenchModels;
  readonly caption: BenchModels;
  readonly transformers: PeerProcess;
  readonly openvino: PeerProcess;
  /** candle's program, if it is built. */
  readonly candle: PeerProcess | undefined;
  /** Opens the page with the captioning model on first use. candle's page exists only if its WebAssembly is built. */
  readonly browser: () => Promise<BrowserBench>;
  readonly candleInBrowser: (() => Promise<BrowserBench>) | undefined;
  readonly python: string;
  readonly threads: number;
  /** Number of pairs in the two matching measures. */
  readonly pairs: number;
  readonly onOperations: (lane: string, operations: number) => void;
  readonly onBatch: (lane: string, batch: number) => void;
}

export interface Group {
  readonly name: string;
  readonly unit: Unit;
  readonly lanes: readonly Lane[];
  /** Measured once, since the value does not vary. */
  readonly once?: boolean;
  /** If given, the process memory in this package's samples becomes its own lane with this name. */
  readonly memory?: string;
}

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const image = here("../examples/scenes/01.png");

type Measure = Parameters<typeof prepare>[0];

/** Batch sizes tried for a peer. */
const batchSizes = [4, 8, 16, 32];

export function groups(context: Context): readonly Group[] {
  const { itm, caption, transformers, openvino, candle, browser, candleInBrowser } = context;
  const { python, threads, pairs, onOperations, onBatch } = context;

  const ours = (measure: Measure, dtype: BenchDType, models = itm): Lane => {
    const name = `blip-ts ${measure} ${dtype}`;
    return {
      name,
      prepare: async () => {
        const probe = await prepare(measure, dtype, models, { tasks: ["match"], pairs });
        if (probe.operations !== undefined) onOperations(name, probe.operations);
        return { sample: () => probe.sample() };
      },
    };
  };
  const peer = (process: PeerProcess, name: string, order: string, given: object = {}): Lane => ({
    name,
    prepare: () => Promise.resolve({ sample: async () => (await process.call(order, given)) as Sample }),
  });
  const candlePeer = (name: string, order: string): Lane[] =>
    candle ? [peer(candle, `candle ${name} fp32`, order)] : [];
  const inPage = (who: string, measure: "image" | "greedy", page: () => Promise<BrowserBench>): Lane => ({
    name: `${who} browser-${measure} fp32`,
    prepare: async () => {
      const opened = await page();
      return { sample: () => opened.sample(measure) };
    },
  });
  const transformersMatch = (kind: "1x128" | "128x1", dtype: string): Lane => {
    const name = `transformers ${kind} ${dtype}`;
    return {
      name,
      prepare: async () => {
        const sizes = batchSizes.filter((size) => size <= pairs);
        const given = { kind, dtype, sizes, pairs: Math.min(pairs, 32) };
        const { batch } = (await transformers.call("best_batch", given)) as { readonly batch: number };
        onBatch(name, batch);
        return {
          warm: true,
          sample: async () => (await transformers.call("match", { kind, dtype, batch, pairs })) as Sample,
        };
      },
    };
  };
  const matching = (kind: "1x128" | "128x1"): Group => ({
    name: kind,
    unit: "s",
    lanes: [
      ours(kind, "fp32"),
      transformersMatch(kind, "fp32"),
      ours(kind, "int8"),
      transformersMatch(kind, "bf16"),
      ours(kind, "fp16"),
    ],
  });
  const captions = (measure: "greedy" | "beam-3", beams: number, others: readonly Lane[] = []): Group => ({
    name: measure,
    unit: "s",
    lanes: [
      ours(measure, "fp32", caption),
      peer(transformers, `transformers ${measure} fp32`, "caption", { dtype: "fp32", beams }),
      ours(measure, "int8", caption),
      peer(transformers, `transformers ${measure} bf16`, "caption", { dtype: "bf16", beams }),
      ours(measure, "fp16", caption),
      ...others,
    ],
  });

  return [
    {
      name: "image",
      unit: "s",
      lanes: [
        ours("product", "fp32"),
        ours("image", "fp32"),
        peer(transformers, "transformers image fp32", "image", { dtype: "fp32" }),
        peer(openvino, "openvino image fp32", "image", { dtype: "fp32" }),
        ours("image", "int8"),
        peer(transformers, "transformers image bf16", "image", { dtype: "bf16" }),
        peer(openvino, "openvino image bf16", "image", { dtype: "bf16" }),
        ours("image", "fp16"),
        ...candlePeer("image", "image"),
      ],
    },
    {
      name: "torch product",
      unit: "GFLOP/s",
      lanes: [peer(transformers, "torch product fp32", "product")],
    },
    captions("greedy", 1, candlePeer("greedy", "caption")),
    captions("beam-3", 3),
    matching("1x128"),
    matching("128x1"),
    {
      name: "first-score",
      unit: "s",
      memory: "memory",
      lanes: [
        ...dtypes.map((dtype) => ({
          name: `blip-ts first-score ${dtype}`,
          prepare: async () => {
            // This call fails here, in one place, if the package cannot compute in this type.
            await itm.matching(dtype);
            return { sample: () => firstScore({ source: itm.source, dtype, threads, image }) };
          },
        })),
        {
          name: "transformers first-score fp32",
          prepare: () => Promise.resolve({ sample: () => pythonFirstScore(python, itm.source, threads) }),
        },
      ],
    },
    {
      name: "browser",
      unit: "s",
      lanes: (["image", "greedy"] as const).flatMap((measure) => [
        inPage("blip-ts", measure, browser),
        ...(candleInBrowser ? [inPage("candle", measure, candleInBrowser)] : []),
      ]),
    },
    {
      name: "install-size",
      unit: "bytes",
      once: true,
      lanes: [
        {
          name: "blip-ts install-size",
          prepare: () => Promise.resolve({ sample: installedSize }),
        },
        peer(transformers, "transformers install-size", "install_size"),
      ],
    },
    {
      name: "accuracy",
      unit: "probability",
      once: true,
      lanes: (["fp16", "int8"] as const).map((dtype) => ({
        name: `blip-ts accuracy ${dtype}`,
        prepare: () => Promise.resolve({ sample: () => largestShift(dtype) }),
      })),
    },
  ];
}

async function installedSize(): Promise<Sample> {
  return { value: (await installed()).reduce((sum, { bytes }) => sum + bytes, 0) };
}

/** Seconds of transformers from process start to its printed line, measured from outside like ours. */
function pythonFirstScore(python: string, folder: string, threads: number): Promise<Sample> {
  const start = performance.now();
  const args = [here("../oracle/hf/first_score.py"), folder, image, firstText, String(threads)];
  const child = spawn(python, args, { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  let complaint = "";
  child.stderr.on("data", (part: Buffer) => (complaint = (complaint + part.toString()).slice(-2000)));
  let seconds = NaN;
  child.stdout.on("data", (part: Buffer) => {
    said += part.toString();
    if (said.includes("\n") && Number.isNaN(seconds)) seconds = (performance.now() - start) / 1000;
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      if (code !== 0) {
        const reason = complaint.trim().split("\n").at(-1);
        reject(new Error(`first_score.py ended (exit code ${code}): ${reason}`));
        return;
      }
      const { peakKilobytes, logits } = JSON.parse(said) as { peakKilobytes: number; logits: number[] };
      resolve({ value: seconds, memory: peakKilobytes * 1024, outputs: logits });
    });
  });
}

interface Scene {
  readonly image: string;
  readonly true: string;
  readonly false: string;
}

/**
 * The largest shift of an ITM probability relative to float32, by the embedded model, over all example scenes and
 * sentences.
 */
async function largestShift(dtype: BenchDType): Promise<Sample> {
  const scenes = JSON.parse(await readFile(here("../examples/scenes/scenes.json"), "utf8")) as Scene[];
  const images = scenes.map(({ image }) => here(`../examples/scenes/${image}`));
  const texts = scenes.flatMap((scene) => [scene.true, scene.false]);
  const probabilities = async (type: BenchDType) =>
    (await match(images, texts, { dtype: type })).map((row) => ("error" in row ? NaN : row.probability));
  const [exact, rounded] = [await probabilities("fp32"), await probabilities(dtype)];
  return { value: Math.max(...exact.map((value, index) => Math.abs(value - (rounded[index] ?? NaN)))) };
}
