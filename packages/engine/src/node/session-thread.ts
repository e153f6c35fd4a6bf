// The worker thread in which onnxruntime-node computes, on the device given at its start.
import { parentPort, workerData } from "node:worker_threads";
import type { Device } from "../device.ts";
import type { WorkerRequest } from "../worker/messages.ts";
import { hostSessions } from "../worker/session-host.ts";
import { callNative } from "./native-calls.ts";
import { loadOnnxRuntime, runtimeOn } from "./runtime.ts";
import type { NativeThreadData } from "./start-worker.ts";

/** The start data of this thread. */
export interface SessionThreadData {
  readonly device: Device;
}

const { device, native } = workerData as SessionThreadData & NativeThreadData;
const loading = loadOnnxRuntime(native);
const answer = hostSessions(
  () => runtimeOn(loading, device),
  (reply, transfer) => parentPort?.postMessage(reply, transfer),
  (work) => loading.then(() => callNative(native, work)),
);
parentPort?.on("message", (request: WorkerRequest) => answer(request));
