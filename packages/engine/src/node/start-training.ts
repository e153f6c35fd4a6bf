// Training sessions in Node's worker threads.
import type { StartTraining } from "../training/calls.ts";
import type { TrainingReply, TrainingRequest } from "../training/messages.ts";
import { startNativeWorker } from "./start-worker.ts";

/** Starts a thread for one training session, on the processor. */
export const startNodeTraining: StartTraining = startNativeWorker<TrainingRequest, TrainingReply>(
  "training-worker.js",
  {},
);
