// Chooses the network's batch sizes: the fastest sizes, or sizes that keep the process within a memory limit. The
// numbers come from bench/RESULTS.md, "Memory"; memory.slow.test.ts checks that a process stays within its limit.
import { must } from "@blip-ts/base";
import { elementSize, type Graph } from "@blip-ts/graph";
import { imageTokens, type BlipConfig } from "../model/config.ts";
import type { DecodingMemory } from "../image/decode-options.ts";
import type { MemoryShape, TaskGraph } from "../tasks/task.ts";
import { memoryTooSmall } from "./errors.ts";

/** Batch sizes, and bytes for cached data. */
export interface Limits {
  /** Images that are read and encoded at a time; undefined if there is no limit. */
  readonly images: number | undefined;
  /** Batches of texts without images. */
  readonly texts: BatchLimits;
  /** Batches of texts with cross-attention to the cached keys and values of one image. */
  readonly cachedCrossAttention: BatchLimits;
  /** Batches of texts with cross-attention to images of N states each, which are part of the batch. */
  readonly crossAttention: (N: number) => BatchLimits;
  /** Questions that are answered at a time. */
  readonly answers: number;
  /** Answers of a list that are scored at a time. */
  readonly candidates: number;
  /** Bytes of image states that are cached for reuse. */
  readonly keptStates: number;
  /** Bytes of images that are held for several calls, and of the last images. */
  readonly heldImages: number;
  /** Memory for decoding an image; undefined without a memory limit. */
  readonly decoding?: DecodingMemory | undefined;
}

const MiB = 2 ** 20;

/** Levels of batch sizes, from the largest to the smallest. */
const levels = [
  { images: 4, tokens: 512, rows: 16, answers: 64, candidates: 128 },
  { images: 2, tokens: 256, rows: 8, answers: 16, candidates: 64 },
  { images: 1, tokens: 128, rows: 4, answers: 4, candidates: 16 },
  { images: 1, tokens: 64, rows: 1, answers: 1, candidates: 8 },
] as const;

type Level = (typeof levels)[number];

/** Returns the limits of a level. The states of images are counted for the model's own image size. */
function limitsOf(
  { vision }: BlipConfig,
  level: Level,
  bounded: boolean,
  { keptStates, heldImages, decoding }: Pick<Limits, "keptStates" | "heldImages" | "decoding">,
): Limits {
  const { images, tokens, rows, answers, candidates } = level;
  const states = rows * imageTokens(vision);
  return {
    images: bounded ? images : undefined,
    texts: { tokens, rows: 64 },
    cachedCrossAttention: { tokens, rows: 64 },
    crossAttention: (N) => ({ tokens: Math.min(256, tokens), rows: Math.max(1, Math.floor(states / N)) }),
    ...{ answers, candidates, keptStates, heldImages, decoding },
  };
}

/** Returns limits without a memory limit: batches fill the matrix products, which get no faster beyond 400 rows. */
export const defaultLimits = (config: BlipConfig): Limits =>
  limitsOf(config, levels[0], false, { keptStates: 512 * MiB, heldImages: Infinity });

/**
 * Returns the bytes of a held image: its pixel values, its states, and its embedding before and after normalization to
 * length 1.
 */
export function heldBytes({ vision, jointEmbedding }: BlipConfig): number {
  const pixels = 3 * vision.imageSize ** 2;
  return 4 * (pixels + imageTokens(vision) * vision.hiddenSize + 2 * jointEmbedding);
}

/**
 * Bytes of a process without a model: Node and the engine's library (170 MiB), images of 8 million pixels (24 MB) that
 * are being read, and earlier images that are not yet garbage-collected: at most seven in 25 runs.
 */
const processBytes = 330 * MiB;
/**
 * The most bytes of an image that is decoded within `processBytes`: a JPEG of 12 megapixels. Larger images are decoded
 * in the memory that the limit leaves.
 */
const decodedHere = 48e6;
/** Bytes of a session in addition to its weights: its thread and its graph. */
const sessionBytes = 12 * MiB;
/** The growth of weights when the engine packs them for its matrix products (measured: 1.07). */
const packing = 1.08;
/** A safety factor, because allocators round sizes up and keep freed memory. */
const slack = 1.3;
/** The number of tokens of a long text, the number of beams, and the number of tokens of a long answer. */
const [textTokens, beams, answerTokens] = [35, 8, 40];

/**
 * Returns the bytes of a graph's loaded weights. Tables are not counted, because only the rows that are read are loaded
 * into memory.
 */
export function weightBytes(graph: Graph): number {
  const tables = new Set(
    graph.nodes.flatMap(({ kind, inputs }) => (kind === "gather" ? must(inputs, 0).id : [])),
  );
  return graph.weights
    .filter(({ value }) => !tables.has(value.id))
    .reduce((sum, { value: { shape, dtype } }) => {
      const bytes = shape.reduce<number>((size, dim) => size * Number(dim), elementSize[dtype]);
      return sum + bytes;
    }, 0);
}

/** The memory needs of loaded tasks, to compare with a memory limit. */
export interface MemoryNeeds {
  readonly config: BlipConfig;
  /** One shape per loaded task. */
  readonly shapes: readonly MemoryShape[];
  /** The distinct graphs of all tasks, after the passes of the model's type. */
  readonly graphs: readonly TaskGraph[];
  /** Whether images are held for several calls. If so, at least one image must fit. */
  readonly holds: boolean;
}

/** Returns the bytes of a level's batches for the loaded tasks, without the weights. */
function workingBytes({ config: { vision, text }, shapes }: MemoryNeeds, level: Level): number {
  const { images, tokens, rows, answers, candidates } = level;
  const N = imageTokens(vision);
  const [D, H, V, width] = [text.hiddenSize, text.heads, text.vocabSize, vision.hiddenSize];
  const has = (shape: Partial<MemoryShape>) =>
    shapes.some((present) =>
      Object.entries(shape).every(([key, value]) => present[key as keyof MemoryShape] === value),
    );
  const pixels = 3 * vision.imageSize ** 2;
  const encode = images * (N * (2 * vision.intermediateSize + 8 * width) + 3 * pixels + 2 * N * width);
  const read = tokens * (2 * text.intermediateSize + 8 * D);
  const keysAndValues = text.layers * 2 * N * D;
  const folded = rows * (4 * N * width + textTokens * H * (2 * N + 4 * width));
  const crossAttention = has({ crossAttention: "cached" })
    ? Math.max(folded, 2.5 * keysAndValues)
    : has({ crossAttention: "folded" })
      ? folded
      : 0;
  const sequence = 4 * text.layers * D * answerTokens;
  const decodedBytes = (sequences: number) => sequences * beams * (sequence + 4 * V);
  // Captions attend to images, answers attend to questions, and answers of a list are ranked.
  const captions = has({ decodes: "image" }) ? 2 * images * keysAndValues + decodedBytes(images) : 0;
  const ranked = candidates * (sequence + 12 * V);
  const answered = has({ decodes: "question" }) ? Math.max(decodedBytes(answers), ranked) : 0;
  const decode = Math.max(captions, answered);
  return 4 * slack * (encode + read + crossAttention + decode);
}

/** Returns the bytes of a model and its process, without the batches. */
function fixedBytes({ config, graphs, holds }: MemoryNeeds): number {
  // Both forms of cross-attention load about the same weights: the whole text model.
  const loaded = graphs.filter(({ role, form }) => form !== "cached" && role !== "cross-kv");
  const held = holds ? heldBytes(config) : 0;
  return loaded.reduce(
    (sum, { graph }) => sum + packing * weightBytes(graph) + sessionBytes,
    processBytes + held,
  );
}

/** Returns the least memory limit that `limitsWithin` accepts, in MB. */
export function leastMemory(needs: MemoryNeeds): number {
  const [, , , level] = levels;
  return Math.ceil((fixedBytes(needs) + workingBytes(needs, level)) / 1e6);
}

/** One model's share of a common memory limit. */
export interface MemoryShare {
  /** The model's limit in MB, as if the model were alone in its process. */
  readonly memory: number;
  /** Returns the common limit at which the model's share has this many bytes. */
  readonly boundOfAll: (bytes: number) => number;
}

/**
 * Splits a memory limit among several models in one process. Each model's least memory includes the process's own
 * bytes, which are counted once. Memory above the sum of the least values is shared evenly.
 * @param least the least MB of each model
 * @throws {UsageError} `usage/memory-too-small`
 */
export function memoryOfEach(memory: number, least: readonly number[]): MemoryShare[] {
  const shared = (least.length - 1) * (processBytes / 1e6);
  const together = Math.ceil(least.reduce((sum, own) => sum + own, 0) - shared);
  if (together > memory) throw memoryTooSmall(memory, together, `these ${least.length} models`);
  const spare = (memory - together) / least.length;
  return least.map((own) => ({
    memory: own + spare,
    boundOfAll: (bytes) => 1e6 * together + least.length * Math.max(0, bytes - 1e6 * own),
  }));
}

/** Makes messages name the common limit if several models share it. */
export function limitsOfShare(limits: Limits, boundOfAll: MemoryShare["boundOfAll"] | undefined): Limits {
  const { decoding } = limits;
  if (!decoding || !boundOfAll) return limits;
  return { ...limits, decoding: { ...decoding, boundFor: (bytes) => boundOfAll(decoding.boundFor(bytes)) } };
}

/** Returns the bytes that remain of a limit with a level's batches; negative if the level does not fit. */
const leftOf = (needs: MemoryNeeds, level: Level, bound: number): number =>
  bound - fixedBytes(needs) - workingBytes(needs, level);

/** Returns the largest level that fits a limit, and the bytes that remain. */
function chosenLevel(needs: MemoryNeeds, bound: number) {
  for (const level of levels) {
    const left = leftOf(needs, level, bound);
    if (left >= 0) return { level, left };
  }
  return undefined;
}

/** Returns the half of the remaining bytes that is for decoding. The other half is for caching states. */
const apartOf = (left: number): number => Math.floor(left / 2);

/** Returns the least limit that leaves this many bytes for decoding. A larger limit may select larger batches. */
function boundFor(needs: MemoryNeeds, bytes: number): number {
  const bounds = levels.map((level) => 2 * bytes - leftOf(needs, level, 0));
  const enough = bounds.filter(
    (bound) => apartOf(chosenLevel(needs, bound)?.left ?? -1) >= Math.floor(bytes),
  );
  return Math.min(...enough);
}

/**
 * Returns the largest batch sizes that keep the peak memory of the process within a limit. The peak is the sum of the
 * process, the sessions and the batches. Half of the remaining bytes caches image states; if images are held, half of
 * that is for held images. The other half of the remaining bytes is for decoding large images.
 * @param memory the limit of the whole process and its child processes, in MB (a million bytes)
 * @param needs the tasks' needs; every graph counts as loaded, but only one form of cross-attention
 * @throws {UsageError} `usage/memory-too-small` with the least sufficient limit
 */
export function limitsWithin(memory: number, needs: MemoryNeeds): Limits {
  const chosen = chosenLevel(needs, memory * 1e6);
  if (!chosen) throw memoryTooSmall(memory, leastMemory(needs));
  const { level, left } = chosen;
  const kept = Math.floor(left / (needs.holds ? 4 : 2));
  return limitsOf(needs.config, level, true, {
    keptStates: kept,
    heldImages: needs.holds ? heldBytes(needs.config) + kept : 0,
    decoding: { here: decodedHere, apart: apartOf(left), boundFor: (bytes) => boundFor(needs, bytes) },
  });
}

/** The limits of one batch. */
export interface BatchLimits {
  /** The most tokens, padding included. A longer text is processed alone. */
  readonly tokens: number;
  readonly rows: number;
}
