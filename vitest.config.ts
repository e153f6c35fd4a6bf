import { readdirSync, readFileSync } from "node:fs";
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

/** What a file of tests may change for others of its process: globals, the environment, the working folder. */
const touchesProcess =
  /\bvi\.(?:stub|mock|doMock|spyOn|useFakeTimers)|\bprocess\.(?:env|chdir)\b|\bglobalThis\b/;

const files = ["scripts", "packages", "train", "bench"]
  .flatMap((folder) =>
    readdirSync(path(folder), { recursive: true, encoding: "utf8" }).map((file) => `${folder}/${file}`),
  )
  .filter((file) => file.endsWith(".test.ts") && !/\.(?:slow|long)\.test\.ts$|\/node_modules\//.test(file));
/** These have a process each; the others share two, which import each module once. */
const alone = files.filter(
  (file) =>
    touchesProcess.test(readFileSync(path(file), "utf8")) ||
    // It draws SVG, which whoever decodes images blocks for a whole process.
    file === "train/world/src/art/art.test.ts" ||
    // Their temporary folder goes with the first file that made it.
    file.startsWith("packages/datasets/test/"),
);

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
    testTimeout: 60_000,
    // Two cores: more workers only make ONNX Runtime's own threads fight.
    maxWorkers: 2,
    projects: [
      { extends: true, test: { name: "shared", include, exclude: [...exclude, ...alone], isolate: false } },
      { extends: true, test: { name: "alone", include: alone, exclude } },
    ],
  },
});
