// Both entries of the package have the same names.
import { expect, test } from "vitest";
import * as node from "./node.ts";
import * as web from "./web.ts";

test("a page and Node have the same names", () => {
  expect(Object.keys(web).sort()).toEqual(Object.keys(node).sort());
});
