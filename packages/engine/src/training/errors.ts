// What can go wrong in a training session: one factory per error.
import { BlipError, ModelError, UsageError } from "@blip-ts/base";

/**
 * A parameter with its gradient and moments is larger than one memory can be.
 * @remedy Freeze it, or train adapters of it.
 */
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

/**
 * Memory was exhausted in a step of training.
 * @remedy Use smaller batches, or close other programs.
 * @param what was computed or loaded: "a run of the graph caption"
 */
export const stepOutOfMemory = (what: string, cause: unknown): ModelError => {
  const detail = cause instanceof Error ? cause.message : String(cause);
  return new ModelError(
    "train/memory",
    `memory: expected enough for ${what}, got "${detail}". Take smaller batches, or end other programs.`,
    { what, detail },
    { cause },
  );
};

/**
 * There is no memory for the weights, gradients and moments.
 * @remedy Freeze parts of the model, or close other programs.
 * @param bytes what the parameters need together
 */
export const outOfMemory = (bytes: number, cause: unknown): ModelError =>
  new ModelError(
    "train/memory",
    `memory: expected ${Math.ceil(bytes / 2 ** 20)} MiB for weights, gradients and moments, ` +
      `got "${cause instanceof Error ? cause.message : String(cause)}". ` +
      "Freeze parts of the model, or end other programs.",
    { bytes },
    { cause },
  );

/**
 * A parameter is not one of the training session.
 * @remedy Name one that is trained.
 */
export const unknownParameter = (name: string): UsageError =>
  new UsageError(
    "train/parameter",
    `${name}: expected a parameter of this training session, got another name. Name one that is trained.`,
    { name },
  );

/**
 * Weights have another number of elements than the parameter.
 * @remedy Give the weights of this model.
 */
export const wrongLength = (name: string, expected: number, got: number): UsageError =>
  new UsageError(
    "train/length",
    `${name}: expected ${expected} numbers, got ${got}. Give the weights of this model.`,
    { name, expected, got },
  );

/**
 * A graph was not added to the training session.
 * @remedy Add the graph first.
 */
export const unknownGraph = (name: string, known: readonly string[]): UsageError =>
  new UsageError(
    "train/graph",
    `${name}: expected one of the graphs ${known.join(", ")}, got another name. Add the graph first.`,
    { name, known },
  );

/**
 * A batch lacks an input of the graph.
 * @remedy Give it with the batch.
 */
export const missingFeed = (graph: string, name: string, expected: string): UsageError =>
  new UsageError(
    "train/feed",
    `${graph}, input ${name}: expected ${expected}, got nothing. Give it with the batch.`,
    { graph, name },
  );

/**
 * An input of a batch has another type or shape than the graph reads.
 * @remedy Make the batch for this graph.
 */
export const wrongFeed = (graph: string, name: string, expected: string, got: string): UsageError =>
  new UsageError(
    "train/feed",
    `${graph}, input ${name}: expected ${expected}, got ${got}. Make the batch for this graph.`,
    { graph, name, expected, got },
  );

/**
 * An output of a training graph has a type that cannot be read.
 * @remedy Name another output.
 */
export const wrongOutput = (graph: string, name: string, found: string): UsageError =>
  new UsageError(
    "train/output",
    `${graph}, output ${name}: expected an output of type float32 or int64, got ${found}. Name another output.`,
    { graph, name },
  );

/**
 * A training session was used after it was closed.
 * @remedy Open it again, or close it later.
 */
export const sessionClosed = (): UsageError =>
  new UsageError(
    "usage/disposed",
    "training: expected a session that is open, found one that was closed. Open it again, or close it later.",
  );
