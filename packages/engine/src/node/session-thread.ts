// The worker thread in which onnxruntime-node computes, on the device that it is started for.
import { setPriority } from "node:os";
import { arch, platform } from "node:process";
import { parentPort, workerData } from "node:worker_threads";
import type { Device } from "../device.ts";
import type { WorkerRequest } from "../worker/messages.ts";
import { hostSessions, passHalvesAsBits, type Runtime } from "../worker/session-host.ts";
import { callNative, type NativeState } from "./native-calls.ts";

/** What this thread is started with. */
export interface SessionThreadData {
  readonly device: Device;
  readonly native: NativeState;
}

// On Linux a priority is a thread's own, and ONNX Runtime's threads inherit this one's: where all cores compute, the
// caller's event loop still gets its turn first (measured by bench/event-loop.mjs). Elsewhere it would be the process's.
if (platform === "linux") setPriority(0, 10);

async function runtimeOn(device: Device): Promise<Runtime> {
  const { env, InferenceSession, listSupportedBackends, Tensor } = await loading;
  // What goes wrong is in the error that we throw; ONNX Runtime would print it on stderr as well.
  env.logLevel = "fatal";
  const ort = { InferenceSession, Tensor };
  if (device === "cpu") return { ort, executionProviders: ["cpu"] };
  const backends = listSupportedBackends().map(({ name }) => name);
  if (!backends.includes(device))
    throw new Error(`onnxruntime-node for ${platform}/${arch} has ${backends.join(", ")}`);
  return {
    ort,
    executionProviders: [device],
    ...(device === "webgpu" && { keptLocation: "gpu-buffer" }),
  };
}

const { device, native } = workerData as SessionThreadData;
passHalvesAsBits();
// At once, while the caller still makes what the first session is made of.
const loading = callNative(native, () => import("onnxruntime-node"));
// Who asks for a session is told why there is none.
loading.catch(() => undefined);
const answer = hostSessions(
  () => runtimeOn(device),
  (reply, transfer) => parentPort?.postMessage(reply, transfer),
  (work) => loading.then(() => callNative(native, work)),
);
parentPort?.on("message", (request: WorkerRequest) => answer(request));
