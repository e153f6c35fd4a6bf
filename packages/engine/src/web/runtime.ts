// Loads onnxruntime-web in workers.
import type * as common from "onnxruntime-common";
import { passHalvesAsBits, type Runtime } from "../worker/session-host.ts";
import type { WorkerReady, WorkerSettings } from "./messages.ts";

type Ort = typeof common;

/**
 * Whether an imported module is ONNX Runtime. Its default export is the module itself too; the named exports suffice.
 */
const isOrt = (module: unknown): module is Ort =>
  typeof module === "object" && module !== null && "InferenceSession" in module && "env" in module;

async function importOrt({ runtime, provider }: WorkerSettings): Promise<Ort> {
  let module: unknown;
  if (runtime !== undefined)
    module = await import(/* @vite-ignore */ /* webpackIgnore: true */ `${runtime}ort.${provider}.min.mjs`);
  else if (provider === "webgpu") module = await import("onnxruntime-web/webgpu");
  else module = await import("onnxruntime-web/wasm");
  if (!isOrt(module)) throw new Error("the imported module is not ONNX Runtime");
  return module;
}

async function load(settings: WorkerSettings): Promise<Runtime> {
  const ort = await importOrt(settings);
  const { wasm } = ort.env;
  if (settings.wasmPaths !== undefined) wasm.wasmPaths = settings.wasmPaths;
  wasm.numThreads = settings.threads;
  // The code already runs in a worker.
  wasm.proxy = false;
  return {
    ort,
    executionProviders: [settings.provider],
    ...(settings.provider === "webgpu" && { keptLocation: "gpu-buffer" }),
  };
}

/** Loads the runtime that the page's settings name, and reports whether that succeeded. */
export function begin(settings: WorkerSettings): Promise<Runtime> {
  passHalvesAsBits();
  const runtime = load(settings);
  runtime.then(
    () => postMessage({ kind: "ready" } satisfies WorkerReady),
    (error: unknown) =>
      postMessage({
        kind: "ready",
        error: error instanceof Error ? error.message : String(error),
      } satisfies WorkerReady),
  );
  return runtime;
}

/**
 * Waits for the page's settings, then passes further messages to the handler from `answer`. If a bundler put ONNX
 * Runtime into the worker's file, ONNX Runtime starts its own threads from that file; those are ignored here.
 */
export function afterSettings(answer: (runtime: Promise<Runtime>) => (request: never) => void): void {
  if (self.name.startsWith("em-pthread")) return;
  onmessage = ({ data }: MessageEvent<WorkerSettings>) => {
    const next = answer(begin(data));
    // Messages from the page have the type that its side of this worker sends.
    onmessage = (event: MessageEvent) => next(event.data as never);
  };
}
