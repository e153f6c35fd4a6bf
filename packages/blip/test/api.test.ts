// The published surface: a name, kind or signature that changes shows here first. Every symbol has a docstring.
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { expect, test } from "vitest";
import { type Exported, publicApi } from "../../../scripts/public-api.ts";
import { undocumented } from "../../../scripts/undocumented.ts";

const file = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
const root = file("../../../");
const nodeConfig = file("../tsconfig.node.json");

test("the public API is as it was reviewed: every exported name with its kind and signature, and a docstring", async () => {
  const lacking = new Set<string>();
  const see = ({ checker, symbols }: Exported) => {
    for (const line of undocumented(checker, symbols, root)) lacking.add(line);
  };
  const node = publicApi(
    {
      ...{ node: file("../src/node.ts"), platform: file("../src/platform-api.ts") },
      train: file("../src/train/node/index.ts"),
      // Read for their docstrings alone: the metrics, and what the network's code is written with.
      ...{ metrics: file("../../metrics/src/index.ts"), builder: file("../../graph/src/builder.ts") },
    },
    nodeConfig,
    see,
  );
  const web = publicApi({ web: file("../src/web.ts") }, file("../tsconfig.web.json"), see);
  for (const [entry, text] of Object.entries({ ...node, ...web }))
    if (entry !== "metrics" && entry !== "builder")
      await expect(text).toMatchFileSnapshot(`__snapshots__/api/${entry}.txt`);
  expect([...lacking]).toEqual([]);
}, 120_000);

test("what has no docstring is listed with its place", () => {
  const text = `
    export const bare = 1;
    /** Said. */
    export interface Options {
      width: number;
      /** In pixels. */
      height: number;
    }
    export const { /** Said. */ one, two } = { one: 1, two: 2 };
  `;
  const host = ts.createCompilerHost({});
  const source = ts.createSourceFile("/x/a.ts", text, ts.ScriptTarget.Latest, true);
  const program = ts.createProgram(
    ["/x/a.ts"],
    { noLib: true },
    {
      ...host,
      getSourceFile: (name) => (name === "/x/a.ts" ? source : undefined),
    },
  );
  const checker = program.getTypeChecker();
  const symbol = checker.getSymbolAtLocation(source) ?? expect.fail("no module");
  expect(undocumented(checker, checker.getExportsOfModule(symbol), "/x/")).toEqual([
    "Options.width a.ts:5",
    "bare a.ts:2",
    "two a.ts:9",
  ]);
});
