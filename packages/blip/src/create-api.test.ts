// Both entries of the package: what a program names in Node it names in a page.
import { expect, test } from "vitest";
import * as node from "./node.ts";
import * as web from "./web.ts";

test("a page and Node have the same names", () => {
  expect(Object.keys(web).sort()).toEqual(Object.keys(node).sort());
});
