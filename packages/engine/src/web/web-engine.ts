// ONNX Runtime in a page's worker: the page itself stays alive. All sessions of a model share one worker, so that there
// is one WebAssembly heap and one pool of threads.
import { folderUrl, type WasmPaths, type WebEngineSettings } from "./settings.ts";
import { closedBy, type ModelError } from "@blip-ts/base";
import type { EngineOptions } from "../device.ts";
import type { Engine, EngineModel } from "../engine.ts";
import type { WorkerReply, WorkerRequest } from "../worker/messages.ts";
import {
  createWorkerEngine,
  type EngineThreadListener,
  type EngineThreadPort,
} from "../worker/worker-engine.ts";
import { noTraces, runtimeMissing, workerMissing } from "./errors.ts";
import type { WorkerReady, WorkerSettings } from "./messages.ts";

/** @throws {ModelError} `model/no-runtime`: browsers refuse some scripts at once, those of other origins among them */
function startWorker(worker: WebEngineSettings["worker"]): Worker {
  try {
    if (typeof worker === "function") return worker();
    return worker === undefined
      ? new Worker(new URL("./web-session-worker.js", import.meta.url), { type: "module", name: "blip-ts" })
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

/** One a core where the page is isolated (COOP and COEP headers), else one: browsers share memory only so. */
const threadsOf = (threads: number | undefined) =>
  crossOriginIsolated ? (threads ?? navigator.hardwareConcurrency) : 1;

/** Weights are handed over, not copied: they are read anew for each session. */
function transferred(request: WorkerRequest): ArrayBuffer[] {
  if (request.kind !== "create") return [];
  return [
    ...new Set(
      [request.model.onnx, ...request.model.external.map(({ data }) => data)].map(({ buffer }) => buffer),
    ),
  ];
}

/** Tells a worker's engine what it says, and `ready` whether it has a runtime. */
function connect(
  worker: Worker,
  settings: WorkerSettings,
  listener: EngineThreadListener,
  ready: (error: ModelError | undefined) => void,
): EngineThreadPort {
  worker.addEventListener("message", ({ data }: MessageEvent<WorkerReply | WorkerReady>) => {
    if ("kind" in data) ready(data.error === undefined ? undefined : runtimeMissing(data.error));
    else listener.message(data);
  });
  worker.addEventListener("error", (event) => {
    // A script that cannot be loaded says nothing at all.
    const message = event.message || "its script cannot be loaded";
    ready(workerMissing(message));
    listener.failure(new Error(`the engine's worker ended: ${message}`));
  });
  worker.postMessage(settings);
  return {
    post: (request, taken) => worker.postMessage(request, [...transferred(request), ...taken]),
    terminate: () => {
      worker.terminate();
      return Promise.resolve();
    },
  };
}

/**
 * An engine in a worker of its own.
 * @param settings where its files are
 * @throws {ModelError} (when a session is made) `model/no-runtime`
 * @throws {UsageError} `usage/profile`
 */
export function createWebEngine(
  { threads, device, profile }: EngineOptions,
  { runtime, wasmPaths, worker: script }: WebEngineSettings = {},
): Engine {
  if (profile !== undefined) throw noTraces();
  const settings: WorkerSettings = {
    kind: "settings",
    runtime: runtime === undefined ? undefined : folderUrl(runtime),
    wasmPaths: absolutePaths(wasmPaths),
    threads: threadsOf(threads),
    provider: device === "webgpu" ? "webgpu" : "wasm",
  };
  let ready = Promise.resolve<ModelError | undefined>(undefined);
  const engine = createWorkerEngine(
    (listener) => {
      const worker = startWorker(script);
      let settle: (error: ModelError | undefined) => void = () => undefined;
      ready = new Promise((resolve) => {
        settle = resolve;
      });
      return connect(worker, settings, listener, settle);
    },
    // No trial of 8-bit products: WebAssembly's are exact, and ONNX Runtime's entry for others is one of x86 alone.
    { threads },
  );
  return {
    createSession: async (model: EngineModel, options = {}) => {
      const session = engine.createSession(model, { ...options, group: "page" });
      session.catch(() => undefined);
      // A call that is stopped does not wait for the runtime.
      const error = await Promise.race([ready, session.then(() => undefined)]);
      if (error) throw error;
      return session;
    },
    ...closedBy(() => engine.close()),
  };
}
