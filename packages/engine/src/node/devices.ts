// The devices of onnxruntime-node per platform, and their requirements.
import type { PlatformDevice } from "../device.ts";

const cudaHint =
  "CUDA's libraries for onnxruntime-node are fetched by its install script: run `npm rebuild onnxruntime-node` " +
  "without ONNXRUNTIME_NODE_INSTALL=skip and without --ignore-scripts; it needs an NVIDIA driver, CUDA 12 and cuDNN 9";

/**
 * Without it, Dawn (ONNX Runtime's WebGPU) finds no graphics card and prints that to stderr, which cannot be
 * suppressed.
 */
const vulkanLoader = "libvulkan.so.1";

function vulkanMissing(): string | undefined {
  try {
    process.dlopen({ exports: {} }, vulkanLoader);
  } catch (error) {
    // dlopen also fails on a library that exists, because it is not a Node module, and closes it again.
    if (String(error).includes("cannot open shared object file")) return `${vulkanLoader} is missing`;
  }
  return undefined;
}

/**
 * The devices, fastest first.
 * @param os as in Node's `process.platform` @param arch as in `process.arch`
 */
export function nodeDevices(os: string, arch: string): readonly PlatformDevice[] {
  const here = `${os}/${arch}`;
  const unless = (condition: boolean, why: string) => (condition ? undefined : `${why}, and this is ${here}`);
  return [
    {
      device: "cuda",
      absent: unless(here === "linux/x64", "onnxruntime-node has CUDA for linux/x64 alone"),
      hint: cudaHint,
    },
    {
      device: "webgpu",
      // WebGPU has no LogSoftmax kernel in ONNX Runtime 1.30: logits would go to the processor and back.
      emit: { plainLogSoftmax: true },
      ...(os === "linux" && {
        missing: vulkanMissing,
        hint: `WebGPU needs a Vulkan driver for the graphics card and ${vulkanLoader} (Debian: libvulkan1)`,
      }),
    },
    { device: "dml", absent: unless(os === "win32", "DirectML is a part of Windows") },
    { device: "coreml", absent: unless(os === "darwin", "Core ML is a part of macOS") },
    { device: "cpu" },
  ];
}
