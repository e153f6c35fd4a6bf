// onnxruntime-node as the threads use it.
import { setPriority } from "node:os";
import { arch, platform } from "node:process";
import type { Device } from "../device.ts";
import { passHalvesAsBits, type Runtime } from "../worker/session-host.ts";
import { cannotLoad } from "./native-library.ts";
import { callNative, type NativeState } from "./native-calls.ts";

/** Prepares the thread and loads ONNX Runtime into it; whoever asks for a session is told why there is none. */
export function loadOnnxRuntime(native: NativeState) {
  // On Linux a priority is a thread's own, and ONNX Runtime's threads inherit this one's: where all cores compute, the
  // caller's event loop still gets its turn first (measured by bench/event-loop.mjs). Elsewhere it would be the process's.
  if (platform === "linux") setPriority(0, 10);
  passHalvesAsBits();
  // At once, while the caller still makes what the first session is made of.
  return orCannotLoad(callNative(native, () => import("onnxruntime-node")));
}

/** What is loaded, or what to do about what is not: `native/cannot-load`. Nobody has to wait for it. */
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
