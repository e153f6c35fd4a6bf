// Starts a page's workers in which onnxruntime-web computes.
import type { ModelError } from "@blip-ts/base";
import type { Device } from "../device.ts";
import { runtimeMissing, workerMissing } from "./errors.ts";
import type { WorkerReady, WorkerSettings } from "./messages.ts";
import { folderUrl, type WasmPaths, type WebEngineSettings } from "./settings.ts";

/**
 * Starts a worker.
 * @param worker the place of its script, if the page's settings have one; otherwise `own` starts it
 * @throws {ModelError} `model/no-runtime`: browsers refuse some scripts at once, such as those of other origins
 */
export function startWorker(worker: WebEngineSettings["worker"], own: () => Worker): Worker {
  try {
    if (typeof worker === "function") return worker();
    return worker === undefined
      ? own()
      : new Worker(new URL(worker, document.baseURI), { type: "module", name: "blip-ts" });
  } catch (error) {
    throw workerMissing(error instanceof Error ? error.message : String(error), error);
  }
}

function absolutePaths(paths: WasmPaths | undefined): WorkerSettings["wasmPaths"] {
  if (paths === undefined) return undefined;
  if (typeof paths === "string") return folderUrl(paths);
  const { mjs, wasm } = paths;
  return {
    ...(mjs === undefined ? {} : { mjs: new URL(mjs, document.baseURI).href }),
    ...(wasm === undefined ? {} : { wasm: new URL(wasm, document.baseURI).href }),
  };
}

/**
 * One thread per core if the page is isolated (COOP and COEP headers), otherwise one: browsers share memory only in
 * isolated pages.
 */
const threadsOf = (threads: number | undefined) =>
  crossOriginIsolated ? (threads ?? navigator.hardwareConcurrency) : 1;

/** The settings message for a worker. */
export const settingsOf = (
  { runtime, wasmPaths }: Pick<WebEngineSettings, "runtime" | "wasmPaths">,
  threads: number | undefined,
  device?: Device | "auto",
): WorkerSettings => ({
  kind: "settings",
  runtime: runtime === undefined ? undefined : folderUrl(runtime),
  wasmPaths: absolutePaths(wasmPaths),
  threads: threadsOf(threads),
  provider: device === "webgpu" ? "webgpu" : "wasm",
});

interface Listener<Reply> {
  message(reply: Reply): void;
  failure(error: Error): void;
}

/** Connects a worker: passes its messages to the listener, and calls `ready` when it has a runtime or an error. */
export function connect<Request, Reply extends object>(
  worker: Worker,
  settings: WorkerSettings,
  listener: Listener<Reply>,
  ready: (error: ModelError | undefined) => void,
  transferred: (request: Request) => readonly ArrayBuffer[],
) {
  worker.addEventListener("message", ({ data }: MessageEvent<Reply | WorkerReady>) => {
    if ("kind" in data) ready(data.error === undefined ? undefined : runtimeMissing(data.error));
    else listener.message(data);
  });
  worker.addEventListener("error", (event) => {
    // The event of a script that cannot be loaded has no message.
    const message = event.message || "its script cannot be loaded";
    ready(workerMissing(message));
    listener.failure(new Error(`the engine's worker ended: ${message}`));
  });
  worker.postMessage(settings);
  return {
    post: (request: Request, taken: readonly ArrayBuffer[]) =>
      worker.postMessage(request, [...transferred(request), ...taken]),
    terminate: () => {
      worker.terminate();
      return Promise.resolve();
    },
  };
}
