// Tests the rule: it reports a planted filler, and no meaningful name.
import { expect, test } from "vitest";
import ts from "typescript";
import { fillerNames } from "./filler-names.mjs";

const reported = (text: string, file = "planted.ts") =>
  fillerNames(ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)).map(
    ({ line, name, where }) => `${line} ${name}: ${where}`,
  );

const long = `export function sum(values: readonly number[]) {\n${"  // a line\n".repeat(13)}`;

test.each([
  ["a parameter", "export function add(one: number) {}", ["1 one: a signature"]],
  ["a function", "function kept() {}", ["1 kept: a signature"]],
  ["a function in a constant", "const add = (given: number) => given;", ["1 given: a signature"]],
  ["a field", "interface Row { readonly found: string }", ["1 found: a signature"]],
  ["a method", "class Rows { place() {} }", ["1 place: a signature"]],
  ["a local of a long function", `${long}  let one = 0;\n}`, ["15 one: a function of 16 lines"]],
  [
    "a callback in a long function",
    `${long}  return values.map((one) => one);\n}`,
    ["15 one: a function of 16 lines"],
  ],
  ["one part of a list", `${long}  const [one] = values;\n}`, ["15 one: a function of 16 lines"]],
  [
    "a name for another field",
    `${long}  const { total: found } = of(values);\n}`,
    ["15 found: a function of 16 lines"],
  ],
])("a filler as the name of %s", (_, text, expected) => {
  expect(reported(text)).toEqual(expected);
});

test.each([
  ["in a short function", "export function first() {\n  const found = list();\n  return found;\n}"],
  ["of a short callback", "export const all = list.every((one) => one > 0);"],
  ["that another declaration chose", `${long}  const { found } = of(values);\n}`],
  ["beside what was expected", "interface Check { readonly expected: string; readonly found: string }"],
  ["of a Place", "function textAt(place: Place): string { return place.file; }"],
  ["of a Place's text", "interface Failed { readonly place: PlaceName }"],
])("no filler %s", (_, text) => {
  expect(reported(text)).toEqual([]);
});

test("errors name the filler and its place", () => {
  const text =
    "export const wrong = (place: string, found: string, given: string) => new Error(place + found);";
  expect(reported(text, "packages/blip/src/image/errors.ts")).toEqual(["1 given: a signature"]);
});
