// The rules themselves: a planted wrong import is reported, and nothing else is.
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { cruise, type ICruiseResult } from "dependency-cruiser";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { layerRules, rooms } from "./layers.mjs";

let root = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "layers-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** The names of the rules that are broken when a file of one room imports a file of another. */
async function broken(from: string, to: string): Promise<string[]> {
  const folder = await mkdtemp(join(root, "tree-"));
  for (const file of [from, to]) await mkdir(dirname(join(folder, file)), { recursive: true });
  await writeFile(join(folder, to), "export const there = 1;\n");
  const up = "../".repeat(from.split("/").length - 1);
  await writeFile(join(folder, from), `export { there } from "./${up}${to}";\n`);
  const { output } = await cruise(["packages"], {
    baseDir: folder,
    validate: true,
    ruleSet: { forbidden: layerRules() },
    tsPreCompilationDeps: true,
  });
  return (output as ICruiseResult).summary.violations.map(({ rule }) => rule.name);
}

const fileIn = ({ path }: { readonly path: string }) => (path.endsWith(".ts") ? path : `${path}/planted.ts`);

describe("an import", () => {
  test.each([
    [
      "upward within a package",
      "packages/blip/src/load/planted.ts",
      "packages/blip/src/verbs/match.ts",
      "layer-load",
    ],
    ["of a sibling", "packages/blip/src/text/planted.ts", "packages/blip/src/image/gif.ts", "layer-text"],
    [
      "of the platform's interface by files of weights",
      "packages/checkpoint/src/planted.ts",
      "packages/blip/src/platform.ts",
      "layer-checkpoint",
    ],
    [
      "of the engine by the network",
      "packages/blip/src/model/planted.ts",
      "packages/engine/src/engine.ts",
      "layer-model",
    ],
    [
      "of a browser's code by Node's",
      "packages/engine/src/node/planted.ts",
      "packages/engine/src/web/web-engine.ts",
      "layer-engine-node",
    ],
    [
      "of a room by the command, past the entry",
      "packages/cli/src/commands/planted.ts",
      "packages/blip/src/load/open-model.ts",
      "layer-cli",
    ],
    [
      "of an entry by a room",
      "packages/blip/src/tools/planted.ts",
      "packages/blip/src/node.ts",
      "layer-tools",
    ],
  ])("%s is reported", async (_, from, to, rule) => {
    expect(await broken(from, to)).toEqual([rule]);
  });

  test.each([
    ["downward", "packages/blip/src/verbs/planted.ts", "packages/blip/src/load/open-model.ts"],
    ["within a room", "packages/blip/src/load/planted.ts", "packages/blip/src/load/open-model.ts"],
    ["of the ground floor", "packages/cli/src/planted.ts", "packages/base/src/errors.ts"],
  ])("%s is not", async (_, from, to) => {
    expect(await broken(from, to)).toEqual([]);
  });
});

test("every room is some layer's once", () => {
  const paths = rooms.map(fileIn);
  expect(new Set(paths).size).toBe(paths.length);
});
