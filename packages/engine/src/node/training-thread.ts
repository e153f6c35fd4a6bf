// The worker thread of a training session.
import { parentPort, workerData } from "node:worker_threads";
import type { TrainingRequest } from "../training/messages.ts";
import { hostTraining } from "../worker/training-host.ts";
import { callNative } from "./native-calls.ts";
import { loadOnnxRuntime, runtimeOn } from "./runtime.ts";
import type { NativeThreadData } from "./start-worker.ts";

const { native } = workerData as NativeThreadData;
const loading = loadOnnxRuntime(native);
const answer = hostTraining(
  () => runtimeOn(loading, "cpu"),
  (reply, transfer) => parentPort?.postMessage(reply, transfer),
  (work) => loading.then(() => callNative(native, work)),
);
parentPort?.on("message", (request: TrainingRequest) => answer(request));
