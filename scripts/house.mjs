// Measures the sizes of folders, files and functions, and finds names that say nothing about their values.
// dependency-cruiser checks imports and cycles (npm run arrows). Prints each excess and fails; with --all it also
// prints the largest of each kind.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import ts from "typescript";
import { fillerNames } from "./lint/filler-names.mjs";

const limits = { folder: 3000, file: 400, function: 60 };

/** Items that may exceed the limits, each with a reason. */
const exceptions = new Map([
  [
    "packages/checkpoint/src/torch/globals.ts torchCalls",
    "a table: the calls that a pickle may name, a line or two each",
  ],
  ["packages/checkpoint/src/torch/pickle.ts #step", "one switch over the opcodes, a line each"],
  ["packages/blip/src/save/hf-config.ts configJson", "one literal: the fields of config.json"],
  [
    "packages/graph/src/passes/float16.ts float16",
    "one walk over a graph, whose parts share the map of values",
  ],
  ["packages/graph/src/passes/float16.ts (function)", "the pass itself, inside the function above"],
]);

const sources = execFileSync(
  "git",
  ["ls-files", "--cached", "--others", "--exclude-standard", "packages", "train"],
  {
    encoding: "utf8",
  },
)
  .split("\n")
  .filter(
    (file) =>
      /^(packages\/(?!testing\/)|train\/)[^/]+\/src\/.*\.ts$/.test(file) &&
      !file.endsWith(".test.ts") &&
      !file.includes("/generated/"),
  );

const lineCount = (text) => text.split("\n").length - 1;

function functionsOf(file, source) {
  const line = (position) => source.getLineAndCharacterOfPosition(position).line;
  const found = [];
  const visit = (node) => {
    if (ts.isFunctionLike(node) && node.body) {
      const lines = line(node.end) - line(node.getStart()) + 1;
      const name =
        node.name?.getText() ??
        (ts.isVariableDeclaration(node.parent) ? node.parent.name.getText() : "(function)");
      found.push({ what: `${file}:${line(node.getStart()) + 1} ${name}`, key: `${file} ${name}`, lines });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

const measured = { folder: new Map(), file: [], function: [] };
let failed = 0;
for (const file of sources) {
  let text;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    continue; // deleted, but not yet committed
  }
  const lines = lineCount(text);
  measured.folder.set(dirname(file), (measured.folder.get(dirname(file)) ?? 0) + lines);
  measured.file.push({ what: file, key: file, lines });
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  measured.function.push(...functionsOf(file, source));
  for (const { line, name, where } of fillerNames(source)) {
    failed++;
    console.error(
      `${file}:${line}: expected a name that says what the value is, got "${name}" in ${where}. Name the value.`,
    );
  }
}
const kinds = {
  folder: [...measured.folder].map(([what, lines]) => ({ what, key: what, lines })),
  file: measured.file,
  function: measured.function,
};
const unused = new Set(exceptions.keys());
for (const [kind, list] of Object.entries(kinds)) {
  list.sort((a, b) => b.lines - a.lines);
  for (const { what, key, lines } of list.filter(({ lines }) => lines > limits[kind])) {
    if (exceptions.has(key)) unused.delete(key);
    else {
      failed++;
      console.error(
        `${kind} of ${lines} lines: ${what}. Expected at most ${limits[kind]}. Split it, or give a reason in house.mjs.`,
      );
    }
  }
  if (process.argv.includes("--all"))
    for (const { what, lines } of list.slice(0, 10)) console.log(`${kind} ${lines} ${what}`);
}
for (const key of unused) {
  failed++;
  console.error(`${key} has an exception in scripts/house.mjs that it does not need. Remove it.`);
}
const [largest] = kinds.folder;
console.log(
  `${sources.length} files in ${kinds.folder.length} folders; the largest folder has ${largest.lines} lines (${largest.what}).`,
);
process.exit(failed > 0 ? 1 : 0);
