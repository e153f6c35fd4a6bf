// Node's threads for samples.
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import type { SampleThreadData, ThreadReply } from "./messages.ts";
import type { StartSampleThread } from "./thread-loader.ts";

/** The thread's file stands beside this one when built; from the sources it is the built one. */
function threadFile(): URL {
  const here = import.meta.url;
  return new URL(here.endsWith(".ts") ? "../../../dist/sample-worker.js" : "./sample-worker.js", here);
}

export const startSampleThread =
  (data: SampleThreadData): StartSampleThread =>
  (listener) => {
    const worker = new Worker(fileURLToPath(threadFile()), {
      workerData: data,
      // Not the program's own options: with `node --input-type=module --eval ...` no thread would start.
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
