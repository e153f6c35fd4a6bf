// Training sessions in a page's workers.
import type { StartTraining } from "../training/calls.ts";
import type { TrainingReply, TrainingRequest } from "../training/messages.ts";
import type { WebEngineSettings } from "./settings.ts";
import { connect, settingsOf, startWorker } from "./start-worker.ts";

const ownWorker = () =>
  new Worker(new URL("./web-training-worker.js", import.meta.url), { type: "module", name: "blip-ts" });

/**
 * Makes a function that starts a worker for one training session, on WebAssembly.
 * @param settings the places of ONNX Runtime's files; `worker` is this package's `web-training-worker.js`
 * @param threads default: one per core in an isolated page (COOP and COEP headers); otherwise always 1
 * @throws {ModelError} (when a session is opened) `model/no-runtime`
 */
export const startWebTraining =
  ({ worker, ...files }: WebEngineSettings = {}, threads?: number): StartTraining =>
  (listener) =>
    connect<TrainingRequest, TrainingReply>(
      startWorker(worker, ownWorker),
      settingsOf(files, threads),
      listener,
      (error) => {
        if (error) listener.failure(error);
      },
      () => [],
    );
