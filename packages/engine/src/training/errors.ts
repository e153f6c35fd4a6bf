// What can go wrong in a training session: one factory per failure.
import { BlipError, ModelError, UsageError } from "@blip-ts/base";

export const parameterTooLarge = (name: string, bytes: number, capacity: number): UsageError =>
  new UsageError(
    "train/parameter-size",
    `${name}: expected at most ${capacity} bytes with its gradient and moments, got ${bytes}. ` +
      "Freeze it, or train adapters of it.",
    { name, bytes, capacity },
  );

/**
 * What says that there is no more memory: ONNX Runtime's allocators and its thread pool, WebAssembly, and JavaScript itself
 * (V8, JavaScriptCore, SpiderMonkey), in Node and in pages.
 */
const noMemory =
  /bad[ _]alloc|failed to allocate memory|could ?n[o']t allocate|allocation failed|cannot allocate memory|out of memory|tensor shape is too large|\(OOM\)|invalid (?:typed )?array (?:buffer )?length/i;

/** Did something fail for want of memory? */
export function isOutOfMemory(error: unknown): boolean {
  if (error instanceof BlipError) return error.code === "train/memory";
  if (!(error instanceof Error)) return false;
  const code = "code" in error ? error.code : undefined;
  return code === "ERR_WORKER_OUT_OF_MEMORY" || code === "ENOMEM" || noMemory.test(error.message);
}

/** @param what was computed or loaded: "a run of the graph caption" */
export const stepOutOfMemory = (what: string, cause: unknown): ModelError => {
  const detail = cause instanceof Error ? cause.message : String(cause);
  return new ModelError(
    "train/memory",
    `memory: expected enough for ${what}, got "${detail}". Take smaller batches, or end other programs.`,
    { what, detail },
    { cause },
  );
};

/** @param bytes what the parameters need together */
export const outOfMemory = (bytes: number, cause: unknown): ModelError =>
  new ModelError(
    "train/memory",
    `memory: expected ${Math.ceil(bytes / 2 ** 20)} MiB for weights, gradients and moments, ` +
      `got "${cause instanceof Error ? cause.message : String(cause)}". ` +
      "Freeze parts of the model, or end other programs.",
    { bytes },
    { cause },
  );

export const unknownParameter = (name: string): UsageError =>
  new UsageError(
    "train/parameter",
    `${name}: expected a parameter of this training session, got another name. Name one that is trained.`,
    { name },
  );

export const wrongLength = (name: string, expected: number, got: number): UsageError =>
  new UsageError(
    "train/length",
    `${name}: expected ${expected} numbers, got ${got}. Give the weights of this model.`,
    { name, expected, got },
  );

export const unknownGraph = (name: string, known: readonly string[]): UsageError =>
  new UsageError(
    "train/graph",
    `${name}: expected one of the graphs ${known.join(", ")}, got another name. Add the graph first.`,
    { name, known },
  );

export const missingFeed = (graph: string, name: string, expected: string): UsageError =>
  new UsageError(
    "train/feed",
    `${graph}, input ${name}: expected ${expected}, got nothing. Give it with the batch.`,
    { graph, name },
  );

export const wrongFeed = (graph: string, name: string, expected: string, got: string): UsageError =>
  new UsageError(
    "train/feed",
    `${graph}, input ${name}: expected ${expected}, got ${got}. Make the batch for this graph.`,
    { graph, name, expected, got },
  );

export const wrongOutput = (graph: string, name: string, found: string): UsageError =>
  new UsageError(
    "train/output",
    `${graph}, output ${name}: expected an output of type float32 or int64, got ${found}. Name another output.`,
    { graph, name },
  );
