// The docstring of every public option says what it is unless told. Callbacks and signals have nothing to say.
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import ts from "typescript";

const root = fileURLToPath(new URL("../../", import.meta.url));
const sources = ["blip", "engine", "datasets", "metrics"].flatMap((name) =>
  readdirSync(`${root}${name}/src`, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts"))
    .map((file) => `${name}/src/${file}`),
);

/** What those of platforms and engines of one's own are asked, and what no entry exports. */
const notPublic = new Set(["DecodeOptions", "SessionOptions", "CallOptions"]);
const publicOptions = new Set(
  ["node", "train"].flatMap((entry) => {
    const text = readFileSync(new URL(`__snapshots__/api/${entry}.txt`, import.meta.url), "utf8");
    return [...text.matchAll(/^interface (\w*Options|EvaluationData|WebSettings)$/gm)].map(
      ([, name = ""]) => name,
    );
  }),
);
// What they are made of.
for (const name of [
  "WithModel",
  "RowsOptions",
  "DatasetOptions",
  "PathOptions",
  "WebRowsOptions",
  "RecipeOverrides",
])
  publicOptions.add(name);

const says = /\b(?:unless told|default|without it|instead of|if it is left out)\b|: (?:true|false|\d)/i;
const saysNothing = /^(?:on[A-Z]\w*|signal|limits|caller|imageOf)$/;

test("every option of the API says what it is unless told", () => {
  const silent: string[] = [];
  let seen = 0;
  for (const file of sources) {
    // Requests of the network have options of the same names.
    if (file.includes("/platform/node/net/") || file.endsWith("/page-settings.ts")) continue;
    const text = readFileSync(root + file, "utf8");
    if (
      ![...text.matchAll(/^(?:export )?interface (\w+)/gm)].some(([, name = ""]) => publicOptions.has(name))
    )
      continue;
    const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
    for (const node of source.statements) {
      if (!ts.isInterfaceDeclaration(node)) continue;
      const { text: name } = node.name;
      if (!publicOptions.has(name) || notPublic.has(name)) continue;
      for (const member of node.members) {
        const option = member.name?.getText() ?? "";
        if (!member.questionToken || saysNothing.test(option)) continue;
        seen++;
        const doc = ts
          .getJSDocCommentsAndTags(member)
          .map((part) => part.getText())
          .join(" ");
        if (!says.test(doc)) silent.push(`${name}.${option}`);
      }
    }
  }
  expect(silent).toEqual([]);
  expect(seen).toBeGreaterThan(100);
});
