// The page platform: files by HTTP, the browser's decoders, ONNX Runtime in a worker.
import type { Platform } from "../../platform.ts";
import { decodeImage, type ImageInput } from "./decode-image.ts";
import { deriveWeights } from "./derived-weights.ts";
import { noFolders } from "./errors.ts";
import { openRemoteAdapter } from "./remote-adapter.ts";
import { bundledVocabulary, openRemoteModel } from "./remote-model.ts";
import { createWebEngine } from "@blip-ts/engine/web";
import { currentSettings } from "./settings.ts";

export const webPlatform: Platform<ImageInput> = {
  openModel: openRemoteModel,
  openAdapter: openRemoteAdapter,
  bundledVocabulary,
  devices: [
    {
      device: "webgpu",
      missing: () =>
        "gpu" in navigator ? undefined : "this browser has no WebGPU, or the page is not served by https",
      emit: { plainLogSoftmax: true },
    },
    { device: "cpu" },
  ],
  createEngine: (options) => createWebEngine(options, currentSettings()),
  decodeImage,
  createFolder: (path) => Promise.reject(noFolders(path)),
  deriveWeights,
  warn({ message }) {
    console.warn(`blip-ts: ${message}`);
  },
};
