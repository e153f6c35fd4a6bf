import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { documentPath, documentWith, installedWith } from "./third-party.ts";

test("THIRD-PARTY.md names what is installed: npx tsx scripts/third-party.ts was run on the lock file", async () => {
  const text = await readFile(documentPath, "utf8");
  expect(text).toBe(await documentWith(text));
  expect(text).toMatch(/\| @img\/sharp-libvips-\* +\| [\d.]+ +\| LGPL-3\.0-or-later/);
});

test("a package's dependencies are found in the nearest node_modules, with optional ones, each once", () => {
  const lock = {
    "packages/blip": { dependencies: { a: "1", b: "1" } },
    "node_modules/a": { dependencies: { b: "2", c: "1" } },
    "node_modules/a/node_modules/b": { dependencies: { a: "1" } },
    "node_modules/b": { optionalDependencies: { d: "1", gone: "1" } },
    "packages/blip/node_modules/c": {},
    "node_modules/c": {},
    "node_modules/d": {},
    "node_modules/unused": {},
  };
  expect(installedWith(lock, "packages/blip")).toEqual([
    "node_modules/a",
    "node_modules/a/node_modules/b",
    "node_modules/b",
    "node_modules/c",
    "node_modules/d",
  ]);
});
