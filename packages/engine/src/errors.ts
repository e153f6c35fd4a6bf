// What can go wrong between a graph and the engine: one factory per error.
import { ModelError, UsageError, type Warning } from "@blip-ts/base";
import type { NetworkDType } from "./device.ts";

/**
 * The device is not there, or computes wrongly.
 * @remedy Choose one of those that the message lists as present.
 */
export const deviceUnavailable = (
  device: string,
  dtype: NetworkDType,
  reason: string,
  present: readonly string[],
): ModelError =>
  new ModelError(
    "model/device",
    `device ${device} cannot be used: ${reason}. Present here${dtype === "fp32" ? "" : ` for ${dtype}`}: ${present.join(", ")}.`,
    { device, dtype, reason, present },
  );

/**
 * ONNX Runtime cannot load a graph.
 * @remedy Read its reason in the message; if it is not about memory, please report it.
 */
export const engineRefused = (graph: string, cause: unknown): ModelError => {
  const detail = cause instanceof Error ? cause.message : String(cause);
  return new ModelError(
    "model/engine",
    `ONNX Runtime cannot load the "${graph}" graph: ${detail}`,
    { graph },
    { cause },
  );
};

/**
 * The thread in which ONNX Runtime runs ended. The calls that it had are lost.
 * @remedy Call again: another thread takes its place.
 * @param detail what the thread said at its end
 */
export const engineEnded = (detail: string): ModelError =>
  new ModelError(
    "model/engine-ended",
    `the engine's thread: expected it to compute, but it ended (${detail}). The calls that it had are lost; ` +
      "call again: another thread takes its place.",
    { detail },
  );

/**
 * ONNX Runtime cannot run a graph.
 * @remedy Read its reason in the message; if it is not about memory, please report it.
 */
export const engineFailed = (graph: string, cause: unknown): ModelError => {
  const detail = cause instanceof Error ? cause.message : String(cause);
  return new ModelError(
    "model/engine",
    `ONNX Runtime cannot run the "${graph}" graph: ${detail}`,
    { graph },
    { cause },
  );
};

/**
 * The model's numbers are not finite: its weights are damaged, or too large for the type.
 * @remedy Download it again, or use `dtype: "fp32"` (`--dtype fp32`).
 * @param what holds such a number: "the states of the image", "the logits of ..."
 */
export const notFinite = (name: string, what: string): ModelError =>
  new ModelError(
    "model/not-finite",
    `${name}: expected finite numbers in ${what}, found others. ` +
      'Its weights are damaged, or too large for the type: get the file again, or compute with dtype: "fp32".',
    { name, what },
  );

/**
 * The weights of 8-bit products hold numbers that are not finite.
 * @remedy Download the model again; weights that were converted and kept ($HF_HOME/blip-ts/weights) may be deleted.
 * @param tensor of the weights of 8-bit products, which would round such a number to some other one
 */
export const weightsNotFinite = (file: string, tensor: string): ModelError =>
  new ModelError(
    "model/not-finite",
    `${file}: expected finite numbers in ${tensor}, found others. Get the file again; ` +
      "weights that were converted and kept ($HF_HOME/blip-ts/weights) may be deleted, and are made again.",
    { file, tensor },
  );

/**
 * A model was used after it was closed.
 * @remedy Load it again, or close it later.
 */
export const modelClosed = (): UsageError =>
  new UsageError(
    "usage/disposed",
    "model: expected one that is open, found one that was closed. Load it again, or close it later.",
  );

/** What is known of a native library that cannot be loaded. */
interface NotLoaded {
  readonly library: string;
  /** "linux-x64 with glibc" */
  readonly system: string;
  /** What the system says. */
  readonly detail: string;
  readonly advice: string;
  readonly here: { readonly version: string };
}

/**
 * A native library (onnxruntime-node, sharp) cannot be loaded on this system.
 * @remedy Do what the message says; docs/platforms.md lists the systems that were tried.
 */
export const nativeNotLoaded = (
  { library, system, detail, advice, here }: NotLoaded,
  cause: unknown,
): ModelError =>
  new ModelError(
    "native/cannot-load",
    `${library}: expected its native library for ${system} (Node ${here.version}), but it cannot be loaded (${detail}). ` +
      `${advice} docs/platforms.md says what was tried.`,
    { library, detail, ...here },
    { cause },
  );

export const isNativeFailure = (error: unknown): error is ModelError =>
  error instanceof ModelError && error.code === "native/cannot-load";

/**
 * A bundler has put the package into another file, so that a file of its own is not beside it.
 * @remedy Leave the package out of the bundle, as external; docs/browser.md has the line for each bundler.
 * @param path where it was looked for; undefined if the script does not know where it is itself
 */
export const ownFileMissing = (file: string, path: string | undefined): ModelError =>
  new ModelError(
    "model/no-runtime",
    `${file.replace("../", "")} of blip-ts: expected it ${path === undefined ? "beside the script" : `at ${path}`}, found ` +
      `${path === undefined ? "a script that does not know where it is" : "nothing"}. A bundler has put the package into ` +
      "another file. Leave it out of the bundle, as external: docs/browser.md has the line for each bundler.",
    { file, path },
  );

/** Was a file written into, replaced or deleted since it was opened? */
export const isChanged = (error: unknown): error is ModelError =>
  error instanceof ModelError && error.code === "model/changed";

export const isNotFinite = (error: unknown): error is ModelError =>
  error instanceof ModelError && error.code === "model/not-finite";

/**
 * Which device `device: "auto"` chose, and why not the others.
 * @remedy None is needed; name a device to have that one or an error.
 */
export const deviceChosen = (device: string, refused: readonly string[]): Warning => ({
  code: "engine/device",
  message: [`device auto: ${device} computes`, ...refused].join("; "),
});

/**
 * ONNX Runtime's fused operators are wrong on this device, its plain ones right: those are used, and take longer.
 * @remedy None is needed; a newer driver may do without them.
 */
export const plainOperators = (device: string, fault: string): Warning => ({
  code: "engine/plain-operators",
  message:
    `${device}: with ONNX Runtime's fused operators ${fault}; its plain ones are right there and are used instead. ` +
    "They take longer; a newer driver may do without them",
});
