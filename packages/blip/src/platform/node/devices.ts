// The devices of onnxruntime-node by platform, and what is needed for each.
import type { PlatformDevice } from "../../platform.ts";

const cudaHint =
  "CUDA's libraries for onnxruntime-node are fetched by its install script: run `npm rebuild onnxruntime-node` " +
  "without ONNXRUNTIME_NODE_INSTALL=skip and without --ignore-scripts; it needs an NVIDIA driver, CUDA 12 and cuDNN 9";

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
      ...(os === "linux" && {
        hint: "WebGPU needs a Vulkan driver for the graphics card and libvulkan.so.1 (Debian: libvulkan1)",
      }),
    },
    { device: "dml", absent: unless(os === "win32", "DirectML is a part of Windows") },
    { device: "coreml", absent: unless(os === "darwin", "Core ML is a part of macOS") },
    { device: "cpu" },
  ];
}
