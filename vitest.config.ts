import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

export default defineConfig({
  resolve: { alias: { "blip-ts": path("packages/blip/src/node.ts") } },
  test: {
    include: [
      "scripts/**/*.test.ts",
      "packages/*/src/**/*.test.ts",
      "packages/*/test/**/*.test.ts",
      "bench/**/*.test.ts",
    ],
    exclude: ["**/*.slow.test.ts", "**/*.long.test.ts", "**/node_modules/**"],
    reporters: ["default", path("scripts/slow-tests.ts")],
    // For tests that load ONNX Runtime themselves.
    env: { ORT_DISABLE_TELEMETRY: "1" },
    testTimeout: 20_000,
    // Two cores: more workers only make ONNX Runtime's own threads fight.
    maxWorkers: 2,
  },
});
