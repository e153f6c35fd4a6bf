import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

const include = [
  "scripts/**/*.test.ts",
  "packages/*/src/**/*.test.ts",
  "packages/*/test/**/*.test.ts",
  "train/*/src/**/*.test.ts",
  "bench/**/*.test.ts",
];
const exclude = ["**/*.slow.test.ts", "**/*.long.test.ts", "**/node_modules/**"];

/** Rooms whose tests leave nothing behind in their process: they share one, and import each module once. */
const pure = [
  "packages/{base,checkpoint,graph,metrics}/{src,test}/**/*.test.ts",
  "packages/blip/src/{decode,image,text,weights}/**/*.test.ts",
];

export default defineConfig({
  resolve: {
    alias: {
      "blip-ts/train": path("packages/blip/src/train/node/index.ts"),
      "blip-ts": path("packages/blip/src/node.ts"),
    },
  },
  test: {
    reporters: ["default", path("scripts/slow-tests.ts")],
    // For tests that load ONNX Runtime themselves.
    env: { ORT_DISABLE_TELEMETRY: "1" },
    testTimeout: 20_000,
    // Two cores: more workers only make ONNX Runtime's own threads fight.
    maxWorkers: 2,
    projects: [
      { extends: true, test: { name: "pure", include: pure, exclude, isolate: false } },
      { extends: true, test: { name: "others", include, exclude: [...exclude, ...pure] } },
    ],
  },
});
