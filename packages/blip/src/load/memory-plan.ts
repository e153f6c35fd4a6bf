// How much the network is given at a time: as much as is fast, or what keeps the process within a bound of memory. The
// numbers are those of bench/RESULTS.md, "Memory"; memory.slow.test.ts holds a process to its bound.
import { must } from "@blip-ts/base";
import { elementSize, type Graph } from "@blip-ts/graph";
import { imageTokens, type BlipConfig } from "../model/config.ts";
import type { DecodingMemory } from "../image/decode-options.ts";
import type { MemoryShape, TaskGraph } from "../tasks/task.ts";
import { memoryTooSmall } from "./errors.ts";

/** Sizes of batches. */
export interface Limits {
  /** Pictures that are read and encoded at a time; undefined where it is the caller's choice. */
  readonly images: number | undefined;
  /** Texts alone. */
  readonly texts: BatchLimits;
  /** Texts over the kept keys and values of one image. */
  readonly cachedCrossAttention: BatchLimits;
  /** Texts over images of N states each, which travel with them. */
  readonly crossAttention: (N: number) => BatchLimits;
  /** Questions that are answered at a time, and answers of a list that are ranked at a time. */
  readonly answers: number;
  readonly candidates: number;
  /** Bytes of image states that are kept for a second look. */
  readonly keptStates: number;
  /** Bytes of images that are held for several calls, and of the last ones. */
  readonly heldImages: number;
  /** What decoding an image may take; undefined where nothing bounds memory. */
  readonly decoding?: DecodingMemory | undefined;
}

const MiB = 2 ** 20;

/** How much at a time, from plenty to the least. */
const levels = [
  { images: 4, tokens: 512, rows: 16, answers: 64, candidates: 128 },
  { images: 2, tokens: 256, rows: 8, answers: 16, candidates: 64 },
  { images: 1, tokens: 128, rows: 4, answers: 4, candidates: 16 },
  { images: 1, tokens: 64, rows: 1, answers: 1, candidates: 8 },
] as const;

type Level = (typeof levels)[number];

/** Limits of a level; states of images count as those of the model's own size. */
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

/** Unless memory is bounded: what fills the matrix products (past 400 rows they gain no more). */
export const defaultLimits = (config: BlipConfig): Limits =>
  limitsOf(config, levels[0], false, { keptStates: 512 * MiB, heldImages: Infinity });

/** Bytes of an image that is held: its pixel values, its states and its embedding, before and after its length is made 1. */
export function heldBytes({ vision, jointEmbedding }: BlipConfig): number {
  const pixels = 3 * vision.imageSize ** 2;
  return 4 * (pixels + imageTokens(vision) * vision.hiddenSize + 2 * jointEmbedding);
}

/**
 * What a process takes without a model: Node and the engine's library (170 MiB), pictures of 8 million pixels (24 MB)
 * being read, and those before them that are not collected yet: seven at most in 25 runs.
 */
const processBytes = 330 * MiB;
/**
 * Most bytes of an image that is decoded within the bytes of the process: 12 megapixels of JPEG. Larger ones have a share
 * of what the bound leaves.
 */
const decodedHere = 48e6;
/** A session beside its weights: its thread, its graph. */
const sessionBytes = 12 * MiB;
/** The engine packs weights for its matrix products, which makes them a little larger (1.07 measured). */
const packing = 1.08;
/** Allocators round up and keep what was freed. */
const slack = 1.3;
/** Tokens of a long text; beams, and the tokens of a long answer. */
const [textTokens, beams, answerTokens] = [35, 8, 40];

/** Bytes of a graph's weights once loaded. Of a table only the rows that are read come into memory. */
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

/** What a bound of memory is compared with. */
export interface MemoryNeeds {
  readonly config: BlipConfig;
  /** Of each task that is loaded. */
  readonly shapes: readonly MemoryShape[];
  /** The graphs of all these tasks, each once, after the passes of their type. */
  readonly graphs: readonly TaskGraph[];
  /** Are images held for several calls? One at least is to have room. */
  readonly holds: boolean;
}

/** What batches of a level take beside the weights, by the tasks that there are. */
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
  // Captions attend to images, answers to questions, and lists of answers are ranked.
  const captions = has({ decodes: "image" }) ? 2 * images * keysAndValues + decodedBytes(images) : 0;
  const ranked = candidates * (sequence + 12 * V);
  const answered = has({ decodes: "question" }) ? Math.max(decodedBytes(answers), ranked) : 0;
  const decode = Math.max(captions, answered);
  return 4 * slack * (encode + read + crossAttention + decode);
}

/** Bytes that a model takes beside its batches, the process among them. */
function fixedBytes({ config, graphs, holds }: MemoryNeeds): number {
  // Both forms load about the same weights: all of the text stack.
  const loaded = graphs.filter(({ role, form }) => form !== "cached" && role !== "cross-kv");
  const held = holds ? heldBytes(config) : 0;
  return loaded.reduce(
    (sum, { graph }) => sum + packing * weightBytes(graph) + sessionBytes,
    processBytes + held,
  );
}

/** MB of the least bound that `limitsWithin` takes. */
export function leastMemory(needs: MemoryNeeds): number {
  const [, , , level] = levels;
  return Math.ceil((fixedBytes(needs) + workingBytes(needs, level)) / 1e6);
}

/** A model's part of a bound that several share. */
export interface MemoryShare {
  /** MB, its bound: as if it were alone. */
  readonly memory: number;
  /** The bytes that all need together for the model's own part to be of so many. */
  readonly boundOfAll: (bytes: number) => number;
}

/**
 * Bounds of several models in one process, whose own bytes each of them counts: what is left beside the least is shared
 * out evenly.
 * @param least MB that each takes
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

/** Limits whose messages name the bound that was given, if that is of several models. */
export function limitsOfShare(limits: Limits, boundOfAll: MemoryShare["boundOfAll"] | undefined): Limits {
  const { decoding } = limits;
  if (!decoding || !boundOfAll) return limits;
  return { ...limits, decoding: { ...decoding, boundFor: (bytes) => boundOfAll(decoding.boundFor(bytes)) } };
}

/** Bytes of a bound beside what a level of batches takes; below 0 if it does not fit. */
const leftOf = (needs: MemoryNeeds, level: Level, bound: number): number =>
  bound - fixedBytes(needs) - workingBytes(needs, level);

/** The first level that fits within a bound, and what the bound leaves. */
function chosenLevel(needs: MemoryNeeds, bound: number) {
  for (const level of levels) {
    const left = leftOf(needs, level, bound);
    if (left >= 0) return { level, left };
  }
  return undefined;
}

/** Half of what is left: the other half keeps states. */
const apartOf = (left: number): number => Math.floor(left / 2);

/** The least bound that leaves so many bytes for decoding an image apart: larger bounds may choose larger batches. */
function boundFor(needs: MemoryNeeds, bytes: number): number {
  const bounds = levels.map((level) => 2 * bytes - leftOf(needs, level, 0));
  const enough = bounds.filter(
    (bound) => apartOf(chosenLevel(needs, bound)?.left ?? -1) >= Math.floor(bytes),
  );
  return Math.min(...enough);
}

/**
 * The most at a time that keeps the process's peak within a bound: the sum of what the process, each session and its
 * batches take. Half of what is left keeps image states, of which those that are held get a half; half decodes images
 * that are large.
 * @param memory MB (of a million bytes), the bound of the whole process and of what it starts
 * @param needs of the tasks; every graph is loaded, of the forms of cross-attention one
 * @throws {UsageError} `usage/memory-too-small` with the least that would do
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

/** How much one call may hold. */
export interface BatchLimits {
  /** Tokens, padding included. A text that is longer goes alone. */
  readonly tokens: number;
  readonly rows: number;
}
