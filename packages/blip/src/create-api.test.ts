// Both doors of the package: what a program names in Node it names in a page.
import { expect, test } from "vitest";
import * as node from "./node.ts";
import * as web from "./web.ts";

test("a page has the names that Node has, but for what only one of them can do", () => {
  const names = (door: object) => new Set(Object.keys(door));
  const [inNode, inPages] = [names(node), names(web)];
  expect([...inNode].filter((name) => !inPages.has(name))).toEqual([
    "int8Products",
    "MatrixProduct",
    "evaluate",
    "readAnswerList",
    "evaluationTasks",
  ]);
  expect([...inPages].filter((name) => !inNode.has(name)).sort()).toEqual(["clearCache", "configure"]);
});
