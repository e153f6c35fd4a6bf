import { fileURLToPath } from "node:url";
import { defineConfig } from "tsdown";

const source = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

export default defineConfig({
  entry: {
    node: "src/node.ts",
    web: "src/web.ts",
    metrics: "../metrics/src/index.ts",
    "web-session-worker": "src/platform/web/session-thread.ts",
    "session-worker": "src/platform/node/session-thread.ts",
    cli: "../cli/src/bin.ts",
    "first-score": "../cli/src/bench/first-score.ts",
  },
  alias: { "blip-ts": source("src/node.ts") },
  tsconfig: "tsconfig.json",
  format: "esm",
  platform: "node",
  target: "node20.19",
  fixedExtension: false,
  dts: { entry: ["src/node.ts", "src/web.ts", "../metrics/src/index.ts"], build: true },
  // Bundled on purpose; everything else is a dependency of the package.
  deps: { onlyBundle: ["plur", "irregular-plurals"] },
  clean: true,
});
