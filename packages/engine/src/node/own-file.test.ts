// Files of this package that are opened by path, even if a bundler has moved the scripts.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ModelError } from "@blip-ts/base";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ownFile } from "./own-file.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "blip-own-file-"));
  await writeFile(join(folder, "session-worker.js"), "");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const at = (...names: readonly string[]) => pathToFileURL(join(folder, ...names)).href;

test("is beside a built script, and in the built folder for a source", () => {
  const expected = join(folder, "session-worker.js");
  expect(ownFile("session-worker.js", at("node.js"), "../elsewhere")).toBe(expected);
  expect(ownFile("session-worker.js", at("src", "node", "start-worker.ts"), "../..")).toBe(expected);
});

test.each([
  ["in a bundle as CommonJS, which has no import.meta.url", undefined, "location is unknown"],
  ["in a bundle that has no address in the file system", "webpack:///./node.js", "location is unknown"],
  ["in a bundle elsewhere", () => at("bundle", "server.js"), "got nothing"],
])("is reported as missing by name %s", (_title, here, detail) => {
  const find = () => ownFile("session-worker.js", typeof here === "function" ? here() : here, "../..");
  expect(find).toThrow(ModelError);
  expect(find).toThrow(/^session-worker\.js of blip-ts: expected .* as external: docs\/browser\.md/);
  expect(find).toThrow(detail);
});
