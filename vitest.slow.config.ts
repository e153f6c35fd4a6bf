import { defineConfig, mergeConfig } from "vitest/config";
import base from "./vitest.config.ts";

export default mergeConfig(
  { ...base, test: { ...base.test, include: [], exclude: [] } },
  defineConfig({
    test: {
      include: ["packages/*/test/**/*.slow.test.ts"],
      exclude: ["**/node_modules/**"],
      testTimeout: 600_000,
    },
  }),
);
