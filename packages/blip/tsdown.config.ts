import { fileURLToPath } from "node:url";
import { defineConfig, type UserConfig } from "tsdown";

const source = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

/** The workers of pages, by their names in dist/. Each is one file: people put it beside their script, wherever that is. */
const pageWorkers = {
  "web-session-worker": "../engine/src/web/session-thread.ts",
  "web-training-worker": "../engine/src/web/training-thread.ts",
  "web-image-worker": "src/platform/web/image-worker.ts",
};

const shared = {
  tsconfig: "tsconfig.json",
  format: "esm",
  // The baseline that README states; test/baseline-shipped.slow.test.ts holds what is shipped to it.
  target: ["es2022", "node20.19", "chrome111", "firefox128", "safari16.4"],
  fixedExtension: false,
} satisfies UserConfig;

const rooms = defineConfig({
  ...shared,
  entry: {
    node: "src/node.ts",
    web: "src/web.ts",
    metrics: "../metrics/src/index.ts",
    platform: "src/platform-api.ts",
    train: "src/train/node/index.ts",
    "session-worker": "../engine/src/node/session-thread.ts",
    "image-decoder": "src/platform/node/decoding/decoder-child.ts",
    "sample-worker": "src/train/node/sample-thread.ts",
    "training-worker": "../engine/src/node/training-thread.ts",
    cli: "../cli/src/bin.ts",
    "first-score": "../cli/src/bench/first-score.ts",
  },
  alias: { "blip-ts/train": source("src/train/node/index.ts"), "blip-ts": source("src/node.ts") },
  platform: "node",
  dts: {
    entry: [
      "src/node.ts",
      "src/web.ts",
      "src/platform-api.ts",
      "src/train/node/index.ts",
      "../metrics/src/index.ts",
    ],
    build: true,
  },
  // What ES2022's own library files lack: `Symbol.asyncDispose`, and names of the platform.
  banner: { dts: '/// <reference lib="esnext.disposable" />\n/// <reference path="./globals.d.ts" />' },
  copy: { from: "types/globals.d.ts", to: "dist" },
  // Bundled on purpose; everything else is a dependency of the package.
  deps: { onlyBundle: ["plur", "irregular-plurals", "@noble/hashes", "valibot"] },
  clean: true,
});

const workers = Object.entries(pageWorkers).map(([name, path]) =>
  defineConfig({
    ...shared,
    entry: { [name]: path },
    platform: "browser",
    outputOptions: { codeSplitting: false },
    dts: false,
    // What is in dist/ already is the rooms'.
    clean: false,
  }),
);

export default [rooms, ...workers];
