// The worker in which onnxruntime-web computes. What it is told first is where the runtime is.
import type * as common from "onnxruntime-common";
import type { WorkerRequest } from "../worker/messages.ts";
import { hostSessions, passHalvesAsBits, type Runtime } from "../worker/session-host.ts";
import type { WorkerReady, WorkerSettings } from "./messages.ts";

type Ort = typeof common;

/** onnxruntime-web's default export is the module itself, too; what it exports by name is enough. */
const isOrt = (module: unknown): module is Ort =>
  typeof module === "object" && module !== null && "InferenceSession" in module && "env" in module;

async function importOrt({ runtime, provider }: WorkerSettings): Promise<Ort> {
  let module: unknown;
  if (runtime !== undefined)
    module = await import(/* @vite-ignore */ /* webpackIgnore: true */ `${runtime}ort.${provider}.min.mjs`);
  else if (provider === "webgpu") module = await import("onnxruntime-web/webgpu");
  else module = await import("onnxruntime-web/wasm");
  if (!isOrt(module)) throw new Error("what was imported is not ONNX Runtime");
  return module;
}

async function load(settings: WorkerSettings): Promise<Runtime> {
  const ort = await importOrt(settings);
  const { wasm } = ort.env;
  if (settings.wasmPaths !== undefined) wasm.wasmPaths = settings.wasmPaths;
  wasm.numThreads = settings.threads;
  // This is a worker already.
  wasm.proxy = false;
  return {
    ort,
    executionProviders: [settings.provider],
    ...(settings.provider === "webgpu" && { keptLocation: "gpu-buffer" }),
  };
}

function begin(settings: WorkerSettings): void {
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
  const answer = hostSessions(
    () => runtime,
    (reply, transfer) => postMessage(reply, { transfer }),
  );
  onmessage = ({ data }: MessageEvent<WorkerRequest>) => answer(data);
}

// Where a bundler put ONNX Runtime into this file, its own threads start from it: they are no session workers.
if (!self.name.startsWith("em-pthread")) onmessage = ({ data }: MessageEvent<WorkerSettings>) => begin(data);
