// The errors of training sessions: one factory per error.
import { BlipError, ModelError, UsageError } from "@blip-ts/base";

/**
 * A parameter with its gradient and moments exceeds the largest memory.
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
 * Messages of exhausted memory from ONNX Runtime's allocators and thread pool, WebAssembly, and JavaScript engines (V8,
 * JavaScriptCore, SpiderMonkey), in Node and in pages.
 */
const noMemory =
  /bad[ _]alloc|failed to allocate memory|could ?n[o']t allocate|allocation failed|cannot allocate memory|out of memory|tensor shape is too large|\(OOM\)|invalid (?:typed )?array (?:buffer )?length/i;

/** Whether an error means that memory is exhausted. */
export function isOutOfMemory(error: unknown): boolean {
  if (error instanceof BlipError) return error.code === "train/memory";
  if (!(error instanceof Error)) return false;
  const code = "code" in error ? error.code : undefined;
  return code === "ERR_WORKER_OUT_OF_MEMORY" || code === "ENOMEM" || noMemory.test(error.message);
}

/**
 * A training step ran out of memory.
 * @remedy Use smaller batches, or close other programs.
 * @param what the failed operation: "a run of the graph caption"
 */
export const stepOutOfMemory = (what: string, cause: unknown): ModelError => {
  const detail = cause instanceof Error ? cause.message : String(cause);
  return new ModelError(
    "train/memory",
    `memory: expected enough for ${what}, got "${detail}". Use smaller batches, or close other programs.`,
    { what, detail },
    { cause },
  );
};

/**
 * The weights, gradients and moments do not fit into memory.
 * @remedy Freeze parts of the model, or close other programs.
 * @param bytes the total size of the parameters
 */
export const outOfMemory = (bytes: number, cause: unknown): ModelError =>
  new ModelError(
    "train/memory",
    `memory: expected ${Math.ceil(bytes / 2 ** 20)} MiB for weights, gradients and moments, ` +
      `got "${cause instanceof Error ? cause.message : String(cause)}". ` +
      "Freeze parts of the model, or close other programs.",
    { bytes },
    { cause },
  );

/**
 * The training session has no parameter of this name.
 * @remedy Name a trained parameter.
 */
export const unknownParameter = (name: string): UsageError =>
  new UsageError(
    "train/parameter",
    `${name}: expected a parameter of this training session, got another name. Name one that is trained.`,
    { name },
  );

/**
 * The number of weights differs from the parameter's.
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
 * An input of a batch has the wrong type or shape for the graph.
 * @remedy Make the batch for this graph.
 */
export const wrongFeed = (graph: string, name: string, expected: string, got: string): UsageError =>
  new UsageError(
    "train/feed",
    `${graph}, input ${name}: expected ${expected}, got ${got}. Make the batch for this graph.`,
    { graph, name, expected, got },
  );

/**
 * An output of a training graph has an unsupported type.
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
    "training: expected a session that is open, got one that was closed. Open it again, or close it later.",
  );
