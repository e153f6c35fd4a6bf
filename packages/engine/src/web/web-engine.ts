// ONNX Runtime in a page's worker, so that the page stays responsive. All sessions of a model share one worker, with
// one WebAssembly heap and one thread pool.
import type { WebEngineSettings } from "./settings.ts";
import { closedBy, type ModelError } from "@blip-ts/base";
import type { EngineOptions } from "../device.ts";
import type { Engine, EngineModel } from "../engine.ts";
import type { WorkerReply, WorkerRequest } from "../worker/messages.ts";
import { createWorkerEngine } from "../worker/worker-engine.ts";
import { noTraces } from "./errors.ts";
import { connect, settingsOf, startWorker } from "./start-worker.ts";

const ownWorker = () =>
  new Worker(new URL("./web-session-worker.js", import.meta.url), { type: "module", name: "blip-ts" });

/** Buffers to transfer instead of copying. Weights are read again for each session. */
function transferred(request: WorkerRequest): ArrayBuffer[] {
  if (request.kind !== "create") return [];
  return [
    ...new Set(
      [request.model.onnx, ...request.model.external.map(({ data }) => data)].map(({ buffer }) => buffer),
    ),
  ];
}

/**
 * Makes an engine in its own worker.
 * @param settings the places of its files
 * @throws {ModelError} (when a session is made) `model/no-runtime`
 * @throws {UsageError} `usage/profile`
 */
export function createWebEngine(
  { threads, device, profile }: EngineOptions,
  { worker: script, ...files }: WebEngineSettings = {},
): Engine {
  if (profile !== undefined) throw noTraces();
  const settings = settingsOf(files, threads, device);
  let ready = Promise.resolve<ModelError | undefined>(undefined);
  const engine = createWorkerEngine(
    (listener) => {
      const worker = startWorker(script, ownWorker);
      let settle: (error: ModelError | undefined) => void = () => undefined;
      ready = new Promise((resolve) => {
        settle = resolve;
      });
      return connect<WorkerRequest, WorkerReply>(worker, settings, listener, settle, transferred);
    },
    // No trial of 8-bit products: WebAssembly's are exact, and ONNX Runtime's entry for unsigned weights affects only
    // x86.
    { threads },
  );
  return {
    createSession: async (model: EngineModel, options = {}) => {
      const session = engine.createSession(model, { ...options, group: "page" });
      session.catch(() => undefined);
      // An aborted call does not wait for the runtime.
      const error = await Promise.race([ready, session.then(() => undefined)]);
      if (error) throw error;
      return session;
    },
    ...closedBy(() => engine.close()),
  };
}
