// Loads onnxruntime-node in worker threads.
import { setPriority } from "node:os";
import { arch, platform } from "node:process";
import type { Device } from "../device.ts";
import { passHalvesAsBits, type Runtime } from "../worker/session-host.ts";
import { cannotLoad } from "./native-library.ts";
import { callNative, type NativeState } from "./native-calls.ts";

/**
 * Prepares the thread and loads ONNX Runtime into it. If loading fails, the error appears when a session is requested.
 */
export function loadOnnxRuntime(native: NativeState) {
  // On Linux, priority is per thread, and ONNX Runtime's threads inherit it. When all cores compute, the caller's event
  // loop still runs first (measured by bench/event-loop.mjs). On other systems, the priority would be the process's.
  if (platform === "linux") setPriority(0, 10);
  passHalvesAsBits();
  // Loading starts at once, while the caller still prepares the first session.
  return orCannotLoad(callNative(native, () => import("onnxruntime-node")));
}

/** The library, or the error `native/cannot-load` with advice. The promise may stay unawaited. */
export function orCannotLoad<Library>(library: Promise<Library>): Promise<Library> {
  const loading = library.catch((cause: unknown): never => {
    throw cannotLoad("onnxruntime-node", cause);
  });
  loading.catch(() => undefined);
  return loading;
}

export async function runtimeOn(
  loading: ReturnType<typeof loadOnnxRuntime>,
  device: Device,
): Promise<Runtime> {
  const { env, InferenceSession, listSupportedBackends, Tensor } = await loading;
  // Errors are thrown with their details; ONNX Runtime would also print them to stderr.
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
