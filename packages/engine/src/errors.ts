// What can go wrong between a graph and the engine: one factory per failure.
import { ModelError, UsageError } from "@blip-ts/base";
import type { NetworkDType } from "./device.ts";

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

export const engineRefused = (graph: string, cause: unknown): ModelError => {
  const detail = cause instanceof Error ? cause.message : String(cause);
  return new ModelError(
    "model/engine",
    `ONNX Runtime cannot load the "${graph}" graph: ${detail}`,
    { graph },
    { cause },
  );
};

/** @param detail what the thread said at its end */
export const engineEnded = (detail: string): ModelError =>
  new ModelError(
    "model/engine-ended",
    `the engine's thread: expected it to compute, but it ended (${detail}). The calls that it had are lost; ` +
      "call again: another thread takes its place.",
    { detail },
  );

export const engineFailed = (graph: string, cause: unknown): ModelError => {
  const detail = cause instanceof Error ? cause.message : String(cause);
  return new ModelError(
    "model/engine",
    `ONNX Runtime cannot run the "${graph}" graph: ${detail}`,
    { graph },
    { cause },
  );
};

/** @param what holds such a number: "the states of the image", "the logits of ..." */
export const notFinite = (name: string, what: string): ModelError =>
  new ModelError(
    "model/not-finite",
    `${name}: expected finite numbers in ${what}, found others. ` +
      "Its weights are damaged, or too large for the type: get the file again, or compute in fp32 (dtype, --dtype).",
    { name, what },
  );

/** @param tensor of the weights of 8-bit products, which would round such a number to some other one */
export const weightsNotFinite = (file: string, tensor: string): ModelError =>
  new ModelError(
    "model/not-finite",
    `${file}: expected finite numbers in ${tensor}, found others. Get the file again; ` +
      "weights that were converted and kept ($HF_HOME/blip-ts/weights) may be deleted, and are made again.",
    { file, tensor },
  );

export const modelClosed = (): UsageError =>
  new UsageError(
    "usage/disposed",
    "model: expected one that is open, found one that was closed. Load it again, or close it later.",
  );

/** @param path where it was looked for; undefined if the script does not know where it is itself */
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
