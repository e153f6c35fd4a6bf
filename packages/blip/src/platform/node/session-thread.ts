// The worker thread in which onnxruntime-node computes.
import { setPriority } from "node:os";
import { platform } from "node:process";
import { parentPort } from "node:worker_threads";
import { InferenceSession, Tensor } from "onnxruntime-node";
import type { WorkerRequest } from "../worker/messages.ts";
import { hostSessions } from "../worker/session-host.ts";

// On Linux a priority is a thread's own, and ONNX Runtime's threads inherit this one's: where all cores compute, the
// caller's event loop still gets its turn first (measured by bench/event-loop.mjs). Elsewhere it would be the process's.
if (platform === "linux") setPriority(0, 10);

const answer = hostSessions(
  () => Promise.resolve({ ort: { InferenceSession, Tensor }, executionProviders: ["cpu"] }),
  (reply, transfer) => parentPort?.postMessage(reply, transfer),
);
parentPort?.on("message", (request: WorkerRequest) => answer(request));
