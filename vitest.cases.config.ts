// Cases from the field, each with its right value: `npm run test:cases`. They are part of the slow suite.
import { defineConfig, mergeConfig } from "vitest/config";
import slow from "./vitest.slow.config.ts";

export default mergeConfig(
  { ...slow, test: { ...slow.test, include: [] } },
  defineConfig({ test: { include: ["packages/cli/test/cases/*.slow.test.ts"] } }),
);
