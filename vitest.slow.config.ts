import { existsSync } from "node:fs";
import { defineConfig, mergeConfig } from "vitest/config";
import base from "./vitest.config.ts";

// WebGPU without a graphics card: Debian's chromium brings a Vulkan loader and SwiftShader, which is right and very slow.
// The tests' processes inherit where they are; a loader of libraries reads it only when a process starts.
const chromium = "/usr/lib/chromium";
const driver = `${chromium}/vk_swiftshader_icd.json`;
if (process.env.VK_DRIVER_FILES === undefined && !existsSync("/dev/dri") && existsSync(driver)) {
  process.env.VK_DRIVER_FILES = driver;
  process.env.LD_LIBRARY_PATH = [chromium, process.env.LD_LIBRARY_PATH ?? ""].filter(Boolean).join(":");
}

export default mergeConfig(
  { ...base, test: { ...base.test, projects: undefined, include: [], exclude: [] } },
  defineConfig({
    test: {
      include: [
        "packages/*/{src,test}/**/*.slow.test.ts",
        "train/*/src/**/*.slow.test.ts",
        "scripts/*.slow.test.ts",
      ],
      exclude: ["**/node_modules/**"],
      testTimeout: 600_000,
    },
  }),
);
