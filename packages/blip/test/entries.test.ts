// Node's entry beside a page's: a module of a page is also rendered on servers, where it gets Node's.
import { expect, test } from "vitest";
import * as node from "../src/node.ts";
import * as web from "../src/web.ts";

test("Node's entry has every name of a page's", () => {
  expect(Object.keys(web).filter((name) => !(name in node))).toEqual([]);
});

test("configure takes a page's addresses in Node, and refuses what Node takes from the environment", () => {
  expect(() =>
    node.configure({ runtime: "/engine/", models: "/models/", imageWorker: "/w.js" }),
  ).not.toThrow();
  expect(() => node.configure({ hub: "https://example.com" })).toThrow(/^configure: .* Set HF_ENDPOINT/);
  expect(() => node.configure({ token: "secret" })).toThrow(/^configure: .* Set HF_TOKEN/);
  expect(() => node.configure({ cache: false })).toThrow(/^configure: .* Set HF_HOME/);
});

test.each([node, web])("configure knows its settings alone", ({ configure }) => {
  const wrong = { runtime: "/engine/", runtimes: "/engine/" };
  expect(() => configure(wrong)).toThrow(
    'there is no setting "runtimes"; there are runtime, wasmPaths, worker',
  );
});

test("clearCache is refused in Node, with what to do", async () => {
  await expect(node.clearCache()).rejects.toThrow(/^clearCache: expected a page, found Node.*HF_HOME/);
});
