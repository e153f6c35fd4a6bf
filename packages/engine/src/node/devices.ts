// The devices of onnxruntime-node by platform, and what is needed for each.
import type { PlatformDevice } from "../device.ts";

const cudaHint =
  "CUDA's libraries for onnxruntime-node are fetched by its install script: run `npm rebuild onnxruntime-node` " +
  "without ONNXRUNTIME_NODE_INSTALL=skip and without --ignore-scripts; it needs an NVIDIA driver, CUDA 12 and cuDNN 9";

/** Without it Dawn, ONNX Runtime's WebGPU, finds no graphics card, and says so on stderr, which nothing can silence. */
const vulkanLoader = "libvulkan.so.1";

function vulkanMissing(): string | undefined {
  try {
    process.dlopen({ exports: {} }, vulkanLoader);
  } catch (error) {
    // A library that is there is refused as well, for being no module of Node's, and closed again.
    if (String(error).includes("cannot open shared object file")) return `${vulkanLoader} is not here`;
  }
  return undefined;
}

/**
 * From the best to the slowest.
 * @param os as Node's `process.platform` @param arch as `process.arch`
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
      // Without a kernel of it, logits would go to the processor and come back (ONNX Runtime 1.30).
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
