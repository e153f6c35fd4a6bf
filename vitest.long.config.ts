// Full counts, by hand: hours. What they found stands in docs/long-tests.md.
import { defineConfig, mergeConfig } from "vitest/config";
import slow from "./vitest.slow.config.ts";

export default mergeConfig(
  { ...slow, test: { ...slow.test, include: [], exclude: [] } },
  defineConfig({
    test: {
      include: ["packages/*/{src,test}/**/*.long.test.ts"],
      exclude: ["**/node_modules/**"],
      testTimeout: 7_200_000,
    },
  }),
);
