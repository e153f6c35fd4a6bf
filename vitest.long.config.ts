// Full counts, by hand: hours. What they found stands in docs/long-tests.md.
import { defineConfig, mergeConfig } from "vitest/config";
import base from "./vitest.config.ts";

export default mergeConfig(
  { ...base, test: { ...base.test, projects: undefined, include: [], exclude: [] } },
  defineConfig({
    test: {
      include: ["packages/*/{src,test}/**/*.long.test.ts"],
      exclude: ["**/node_modules/**"],
      testTimeout: 7_200_000,
    },
  }),
);
