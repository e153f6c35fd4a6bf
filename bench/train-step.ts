// A training step beside PyTorch's: the same captioner, weights, batch and threads, step by step in turn; clipping and AdamW
// included. Needs a Python with torch and transformers (oracle/train/requirements.txt).
//
//   npm run build && npx tsx bench/train-step.ts --size small [--steps 8] [--threads 2] [--recompute] [--batches 1] [--python P]
import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { openCheckpoint } from "@blip-ts/checkpoint";
import { floatTensor, GraphBuilder, int64Tensor, type Graph, type Tensor } from "@blip-ts/graph";
import type { BlipConfig } from "../packages/blip/src/model/config.ts";
import { languageModelHead, scope } from "../packages/blip/src/model/decoder.ts";
import { languageModelTies } from "../packages/blip/src/model/language-model.ts";
import { causalBias, textModel } from "../packages/blip/src/model/text.ts";
import { visionModel } from "../packages/blip/src/model/vision.ts";
import { fileSource } from "../packages/blip/src/platform/node/local-files.ts";
import { nodeTraining } from "../packages/blip/src/platform/node/training-platform.ts";
import { createTrainer } from "../packages/blip/src/train/loop/trainer.ts";
import type { Objective } from "../packages/blip/src/train/objective.ts";

/** D width, L and TL layers of image and text, S side of the image, T tokens, B batch, V words. */
const sizes = {
  tiny: { D: 64, heads: 2, L: 1, TL: 1, S: 48, T: 6, B: 3, V: 50 },
  small: { D: 192, heads: 3, L: 6, TL: 4, S: 128, T: 24, B: 64, V: 2048 },
  "base/3": { D: 768, heads: 12, L: 4, TL: 4, S: 224, T: 24, B: 2, V: 30524 },
  base: { D: 768, heads: 12, L: 12, TL: 12, S: 224, T: 24, B: 2, V: 30524 },
  "base, 384 px": { D: 768, heads: 12, L: 12, TL: 12, S: 384, T: 24, B: 2, V: 30524 },
} as const;
type Size = (typeof sizes)[keyof typeof sizes];

const { values } = parseArgs({
  options: {
    size: { type: "string", default: "small" },
    steps: { type: "string", default: "8" },
    threads: { type: "string", default: String(cpus().length) },
    recompute: { type: "boolean", default: false },
    /** Batches that take turns. */
    batches: { type: "string", default: "1" },
    only: { type: "string" },
    python: { type: "string", default: process.env.BLIP_BENCH_PYTHON ?? "python3" },
  },
});

function graphOf({ D, heads, L, TL, S, T, V }: Size): Graph {
  const config: BlipConfig = {
    vision: {
      ...{ hiddenSize: D, layers: L, heads, intermediateSize: 4 * D },
      ...{ imageSize: S, patchSize: 16, layerNormEps: 1e-5 },
    },
    text: {
      ...{ hiddenSize: D, layers: TL, heads, intermediateSize: 4 * D },
      ...{ vocabSize: V, maxPositions: Math.max(32, T), layerNormEps: 1e-12 },
    },
    jointEmbedding: 1,
  };
  const b = GraphBuilder.create("captioner");
  const states = visionModel(
    b.at("vision_model"),
    b.input("pixels", "float32", ["B", 3, S, S]),
    config.vision,
  );
  const [ids, positions, labels] = ["ids", "positions", "labels"].map((name) =>
    b.input(name, "int64", ["B", T]),
  );
  if (!ids || !positions || !labels) throw new Error("three inputs were made");
  const { states: hidden } = textModel(
    b.at(scope),
    {
      ids,
      positions,
      bias: causalBias(b, positions, positions),
      crossAttendTo: () => [{ of: states, mask: undefined }],
    },
    config.text,
  );
  const losses = b.crossEntropy(languageModelHead(b, hidden, config), labels, 0);
  b.output("loss", b.multiply(b.sum(losses, [0, 1]), b.input("share", "float32", [])));
  return b.build();
}

/** Numbers of about 1 that do not repeat soon. */
const noise = (length: number, seed: number) =>
  Float32Array.from({ length }, (_, index) => Math.sin((index + 1) * 12.9898 * seed));

function batchOf({ B, S, T, V }: Size, turn: number): Record<string, Tensor> {
  const words = (step: number) =>
    Array.from({ length: B * T }, (_, index) => (index * (step + 2 * turn) + 3) % V);
  return {
    pixels: floatTensor([B, 3, S, S], noise(B * 3 * S * S, 1 + turn)),
    ids: int64Tensor([B, T], words(7)),
    positions: int64Tensor(
      [B, T],
      words(7).map((_, index) => index % T),
    ),
    labels: int64Tensor([B, T], words(11)),
    share: floatTensor([], [1 / (B * T)]),
  };
}

interface Step {
  readonly ms: number;
  /** Of the processor, on all threads; a thread that spins while it waits counts. */
  readonly cpu: number;
  readonly loss: number;
  readonly norm: number;
  /** The process's largest memory, MB. */
  readonly peak: number;
}

/** A PyTorch that makes a step at each call. */
async function pytorch(folder: string, size: Size) {
  const script = new URL("train_step.py", import.meta.url).pathname;
  const child = spawn(values.python, [script, folder, JSON.stringify(size), values.threads], {
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
    step: async (turn: number) => {
      child.stdin.write(`${turn}\n`);
      return (await next()) as Step;
    },
    end: () => child.stdin.end(),
  };
}

async function ours(folder: string, size: Size) {
  const { tensors } = await openCheckpoint(await fileSource(join(folder, "weights.safetensors")));
  const objective: Objective<Record<string, Tensor>> = {
    name: "captioner",
    graph: { graph: graphOf(size), loss: "loss", ties: languageModelTies },
    inputs: (batch) => batch,
  };
  const trainer = await createTrainer(nodeTraining, {
    ...{
      objective,
      weights: tensors,
      stepsPerEpoch: 1,
      threads: Number(values.threads),
      recompute: values.recompute,
    },
    optimizer: { schedule: { kind: "constant", lr: 1e-4 }, decay: 0.05, clip: 1 },
  });
  return {
    estimate: trainer.estimate(batchOf(size, 0)),
    step: async (turn: number): Promise<Step> => {
      const batch = batchOf(size, turn);
      const [begin, before] = [performance.now(), process.cpuUsage()];
      const { loss, norm } = await trainer.step(batch);
      const ms = performance.now() - begin;
      const { user, system } = process.cpuUsage(before);
      return { ms, cpu: (user + system) / 1000, loss, norm, peak: process.resourceUsage().maxRSS / 1024 };
    },
    end: () => trainer.close(),
  };
}

const median = (numbers: readonly number[]) => {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? NaN;
};
const line = (name: string, steps: readonly Step[]) => {
  const times = steps.slice(1).map(({ ms }) => ms);
  const peak = Math.max(...steps.map((step) => step.peak));
  const cpu = median(steps.slice(1).map((step) => step.cpu));
  return `${name}: median ${median(times).toFixed(0)} ms, best ${Math.min(...times).toFixed(0)} ms, of the processor ${cpu.toFixed(0)} ms, peak ${peak.toFixed(0)} MB`;
};

const size = (sizes as Readonly<Record<string, Size>>)[values.size];
if (!size) throw new Error(`--size: expected one of ${Object.keys(sizes).join("; ")}, got ${values.size}`);
const folder = await mkdtemp(join(tmpdir(), "train-step-"));
try {
  const batches = Number(values.batches);
  for (let turn = 0; turn < batches; turn++)
    for (const [name, { data }] of Object.entries(batchOf(size, turn)))
      await writeFile(join(folder, `${name}-${turn}.bin`), data);
  const theirs = await pytorch(folder, size);
  const own = await ours(folder, size);
  console.log(`${values.size}: ${(theirs.parameters / 1e6).toFixed(1)} M parameters; estimate`, own.estimate);
  const [found, expected]: [Step[], Step[]] = [[], []];
  for (let step = 0; step <= Number(values.steps); step++) {
    if (values.only !== "pytorch") found.push(await own.step(step % batches));
    if (values.only !== "ours") expected.push(await theirs.step(step % batches));
  }
  console.log(line("blip-ts", found));
  console.log(line("PyTorch", expected));
  const ratios = found.slice(1).map(({ ms }, index) => ms / (expected[index + 1]?.ms ?? NaN));
  const off = found.map(({ loss }, index) => Math.abs(loss / (expected[index]?.loss ?? NaN) - 1));
  console.log(
    `ratio of medians in turn ${median(ratios).toFixed(2)}; losses ${found[0]?.loss} -> ${found.at(-1)?.loss}, off by at most ${Math.max(...off)}, the last one by ${off.at(-1)}`,
  );
  theirs.end();
  await own.end();
} finally {
  await rm(folder, { recursive: true, force: true });
}
