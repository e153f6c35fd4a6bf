// The errors between a graph and the engine: one factory per error.
import { ModelError, UsageError, type Warning } from "@blip-ts/base";
import type { NetworkDType } from "./device.ts";

/**
 * The device is missing, or computes wrong results.
 * @remedy Choose one of the devices that the message lists as present.
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
 * The thread that runs ONNX Runtime ended. Its pending calls are lost.
 * @remedy Call again: another thread takes its place.
 * @param detail the thread's last message
 */
export const engineEnded = (detail: string): ModelError =>
  new ModelError(
    "model/engine-ended",
    `the engine's thread: expected it to compute, but it ended (${detail}). Its pending calls are lost; ` +
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
 * @param what the place of the numbers: "the states of the image", "the logits of ..."
 */
export const notFinite = (name: string, what: string): ModelError =>
  new ModelError(
    "model/not-finite",
    `${name}: expected finite numbers in ${what}, got others. ` +
      'Its weights are damaged, or too large for the type: get the file again, or compute with dtype: "fp32".',
    { name, what },
  );

/**
 * The weights of an 8-bit network contain numbers that are not finite.
 * @remedy Download the model again. Converted weights in the cache ($HF_HOME/blip-ts/weights) may be deleted.
 * @param tensor the name of the tensor; 8-bit products would round such a number to an arbitrary one
 */
export const weightsNotFinite = (file: string, tensor: string): ModelError =>
  new ModelError(
    "model/not-finite",
    `${file}: expected finite numbers in ${tensor}, got others. Get the file again; ` +
      "converted weights in the cache ($HF_HOME/blip-ts/weights) may be deleted; they are made again.",
    { file, tensor },
  );

/**
 * A model was used after it was closed.
 * @remedy Load it again, or close it later.
 */
export const modelClosed = (): UsageError =>
  new UsageError(
    "usage/disposed",
    "model: expected one that is open, got one that was closed. Load it again, or close it later.",
  );

/** The details of a native library that cannot be loaded. */
interface NotLoaded {
  readonly library: string;
  /** The system, e.g. "linux-x64 with glibc". */
  readonly system: string;
  /** The system's own error message. */
  readonly detail: string;
  readonly advice: string;
  readonly here: { readonly version: string };
}

/**
 * A native library (onnxruntime-node, sharp) cannot be loaded on this system.
 * @remedy Follow the message; docs/platforms.md lists the tested systems.
 */
export const nativeNotLoaded = (
  { library, system, detail, advice, here }: NotLoaded,
  cause: unknown,
): ModelError =>
  new ModelError(
    "native/cannot-load",
    `${library}: expected its native library for ${system} (Node ${here.version}), but it cannot be loaded (${detail}). ` +
      `${advice} docs/platforms.md lists the tested systems.`,
    { library, detail, ...here },
    { cause },
  );

export const isNativeFailure = (error: unknown): error is ModelError =>
  error instanceof ModelError && error.code === "native/cannot-load";

/**
 * A bundler has moved the package's code, so one of the package's own files is no longer beside it.
 * @remedy Leave the package out of the bundle, as external; docs/browser.md has the line for each bundler.
 * @param path the expected path; undefined if the location of the script is unknown
 */
export const ownFileMissing = (file: string, path: string | undefined): ModelError =>
  new ModelError(
    "model/no-runtime",
    `${file.replace("../", "")} of blip-ts: expected it ${path === undefined ? "beside the script" : `at ${path}`}, got ` +
      `${path === undefined ? "a script whose location is unknown" : "nothing"}. A bundler has moved the package into ` +
      "another file. Leave it out of the bundle, as external: docs/browser.md has the line for each bundler.",
    { file, path },
  );

/** Whether a file was written to, replaced or deleted after it was opened. */
export const isChanged = (error: unknown): error is ModelError =>
  error instanceof ModelError && error.code === "model/changed";

export const isNotFinite = (error: unknown): error is ModelError =>
  error instanceof ModelError && error.code === "model/not-finite";

/**
 * The device that `device: "auto"` chose, and why others were refused.
 * @remedy None is needed. Name a device to get that one or an error.
 */
export const deviceChosen = (device: string, refused: readonly string[]): Warning => ({
  code: "engine/device",
  message: [`device auto: ${device} computes`, ...refused].join("; "),
});

/**
 * ONNX Runtime's fused operators compute wrong results on this device, but its plain operators are right. The plain
 * ones are used and are slower.
 * @remedy None is needed; a newer driver may fix it.
 */
export const plainOperators = (device: string, fault: string): Warning => ({
  code: "engine/plain-operators",
  message:
    `${device}: ONNX Runtime's fused operators fail (${fault}); its plain ones compute correctly and are used instead. ` +
    "They are slower; a newer driver may fix this",
});
