// The name in usage lines and examples.
import { expect, test } from "vitest";
import { programName } from "./program-name.ts";

test.each([
  ["/app/node_modules/.bin/blip-ts", { npm_command: "exec" }, "npx blip-ts"],
  ["/app/node_modules/.bin/blip", { npm_command: "exec" }, "npx blip-ts"],
  ["/usr/local/bin/blip", {}, "blip"],
  ["/usr/local/bin/blip-ts", { npm_command: "run-script" }, "blip-ts"],
  ["/app/node_modules/blip-ts/bin/blip.js", {}, "blip"],
  ["/app/packages/cli/src/bin.ts", {}, "blip"],
  [undefined, {}, "blip"],
])("%s", (script, env, name) => {
  expect(programName(script, env)).toBe(name);
});
