// Starts the worker threads that load samples in Node.
import { Worker } from "node:worker_threads";
import { ownFile } from "@blip-ts/engine/node";
import type { SampleThreadData, ThreadReply } from "./messages.ts";
import type { StartSampleThread } from "./thread-loader.ts";

export const startSampleThread =
  (data: SampleThreadData): StartSampleThread =>
  (listener) => {
    const worker = new Worker(ownFile("sample-worker.js", import.meta.url, "../../../dist"), {
      workerData: data,
      // Do not inherit the program's options: with `node --input-type=module --eval ...` no thread would start.
      execArgv: [],
    });
    let detail: string | undefined;
    worker.on("message", (reply: ThreadReply) => listener.message(reply));
    worker.on("error", (error: unknown) => {
      detail = error instanceof Error ? error.message : String(error);
    });
    worker.on("exit", (code) => listener.died(detail ?? `exit code ${code}`));
    worker.unref();
    return {
      post: (request) => worker.postMessage(request),
      keepAlive: (busy) => (busy ? worker.ref() : worker.unref()),
      terminate: async () => {
        await worker.terminate();
      },
    };
  };
