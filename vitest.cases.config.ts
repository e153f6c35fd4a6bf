// Cases from the field, each with its right value: `npm run test:cases`. They are part of the slow suite.
import { defineConfig, mergeConfig } from "vitest/config";
import base from "./vitest.config.ts";

export default mergeConfig(
  { ...base, test: { ...base.test, projects: undefined, include: [], exclude: [] } },
  defineConfig({
    test: { include: ["packages/cli/test/cases/*.slow.test.ts"], exclude: ["**/node_modules/**"] },
  }),
);
