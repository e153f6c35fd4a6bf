// ONNX Runtime in Node's worker threads.
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import type { Engine } from "../../runtime/runtime.ts";
import type { WorkerReply } from "../worker/messages.ts";
import { createWorkerEngine, type StartThread, type WorkerEngineOptions } from "../worker/worker-engine.ts";

/** The worker's file stands beside this one when built; from the sources it is the built one. */
function workerFile(): URL {
  const here = import.meta.url;
  return new URL(here.endsWith(".ts") ? "../../../dist/session-worker.js" : "./session-worker.js", here);
}

const startThread: StartThread = (listener) => {
  const worker = new Worker(fileURLToPath(workerFile()));
  // An idle thread does not keep the process alive; a pending call does.
  worker.unref();
  worker.on("message", (reply: WorkerReply) => listener.message(reply));
  worker.on("error", (error: unknown) =>
    listener.failure(error instanceof Error ? error : new Error(String(error))),
  );
  worker.on("exit", (code) => listener.failure(new Error(`the engine's thread ended (exit code ${code})`)));
  return {
    post: (request) => worker.postMessage(request),
    terminate: async () => {
      await worker.terminate();
    },
    keepAlive: (pending) => (pending ? worker.ref() : worker.unref()),
  };
};

/** ONNX Runtime on the CPU, in threads of its own. */
export const createNodeEngine = (options: WorkerEngineOptions = {}): Engine =>
  createWorkerEngine(startThread, options);
