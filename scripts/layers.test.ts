// Tests the rules: they report a planted wrong import and nothing else.
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { cruise, type ICruiseResult, type IForbiddenRuleType } from "dependency-cruiser";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { forgottenRule, layerRules, rooms } from "./layers.mjs";

let root = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "layers-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** A wrong import: importer, imported file, and the rule that forbids it. */
const wrong: [string, from: string, to: string, rule: string][] = [
  [
    "upward within a package",
    "packages/blip/src/load/up.ts",
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
  ["of an entry by a room", "packages/blip/src/tools/planted.ts", "packages/blip/src/node.ts", "layer-tools"],
];
const right: [string, from: string, to: string][] = [
  ["downward", "packages/blip/src/verbs/planted.ts", "packages/blip/src/load/open-model.ts"],
  ["within a room", "packages/blip/src/load/planted.ts", "packages/blip/src/load/open-model.ts"],
  ["of the ground floor", "packages/cli/src/planted.ts", "packages/base/src/errors.ts"],
];

/** The rules that a tree violates, each with the violating file. */
async function violationsIn(sources: Readonly<Record<string, string>>, forbidden: IForbiddenRuleType[]) {
  const folder = await mkdtemp(join(root, "tree-"));
  for (const [path, text] of Object.entries(sources)) {
    const file = join(folder, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
  }
  const options = { baseDir: folder, validate: true, ruleSet: { forbidden }, tsPreCompilationDeps: true };
  const { output } = await cruise(["packages"], options);
  return (output as ICruiseResult).summary.violations.map(({ rule, from }) => ({ rule: rule.name, from }));
}

const fileIn = ({ path }: { readonly path: string }) => (path.endsWith(".ts") ? path : `${path}/planted.ts`);

describe("an import", () => {
  let violations: { readonly rule: string; readonly from: string }[] = [];
  // One tree holds all cases, since reading trees takes the most time.
  beforeAll(async () => {
    const sources: Record<string, string> = {};
    for (const [, , to] of [...wrong, ...right]) sources[to] = "export const there = 1;\n";
    for (const [, from, to] of [...wrong, ...right]) {
      const up = "../".repeat(from.split("/").length - 1);
      sources[from] = `export { there } from "./${up}${to}";\n`;
    }
    violations = await violationsIn(sources, layerRules());
  });
  const brokenBy = (file: string) => violations.filter(({ from }) => from === file).map(({ rule }) => rule);

  test.each(wrong)("%s is reported", (_, from, _to, rule) => {
    expect(brokenBy(from)).toEqual([rule]);
  });

  test.each(right)("%s is not", (_, from) => {
    expect(brokenBy(from)).toEqual([]);
  });
});

test("a command that no list names is reported, and modules that an entry reaches are not", async () => {
  const sources = {
    "packages/cli/src/bin.ts": 'import { add } from "./commands/match.ts";\nadd();\n',
    "packages/cli/src/commands/match.ts": 'export { add } from "../add.ts";\n',
    "packages/cli/src/commands/planted.ts": 'export { add } from "../add.ts";\n',
    "packages/cli/src/add.ts": "export const add = () => 1;\n",
  };
  expect(await violationsIn(sources, [forgottenRule()])).toEqual([
    { rule: "forgotten", from: "packages/cli/src/commands/planted.ts" },
  ]);
});

test("every room is in exactly one layer", () => {
  const paths = rooms.map(fileIn);
  expect(new Set(paths).size).toBe(paths.length);
});
