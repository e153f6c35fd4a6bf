// The Node entry and the page's export the same names; what one of them cannot do, it refuses by name.
import { readFile } from "node:fs/promises";
import { expect, expectTypeOf, test } from "vitest";
import { UsageError } from "@blip-ts/base";
import { failureOf } from "@blip-ts/testing";
import * as node from "../src/node.ts";
import * as nodeOnly from "../src/platform/web/node-only.ts";

/** Names with their kinds, as the API's snapshot has them. */
async function namesOf(entry: "node" | "web"): Promise<string[]> {
  const text = await readFile(new URL(`__snapshots__/api/${entry}.txt`, import.meta.url), "utf8");
  const names = text.split("\n").flatMap((line) => {
    const [, kind, name] = /^(class|interface|type|const and type|const|function) (\w+)/.exec(line) ?? [];
    if (kind === undefined || name === undefined) return [];
    // A function is one however it is declared.
    return [`${kind === "function" ? "const" : kind} ${name}`];
  });
  return names.sort();
}

test("both entries export the same names, of the same kinds", async () => {
  expect(await namesOf("web")).toEqual(await namesOf("node"));
});

test.each<[string, string, () => unknown]>([
  ["configure: hub", "usage/only-in-pages", () => node.configure({ hub: "https://example.com" })],
  ["configure: token", "usage/only-in-pages", () => node.configure({ token: "secret" })],
  ["configure: cache", "usage/only-in-pages", () => node.configure({ cache: false })],
  ["clearCache", "usage/only-in-pages", () => node.clearCache()],
  ["evaluate", "usage/only-in-node", () => nodeOnly.evaluate("match", "pairs.jsonl")],
  ["readAnswerList", "usage/only-in-node", () => nodeOnly.readAnswerList("list.json")],
  ["int8Products", "usage/only-in-node", () => nodeOnly.int8Products()],
])("%s is refused by name if it cannot work", async (name, code, call) => {
  const failure = await failureOf(() => Promise.resolve().then(call));
  expect(failure).toBeInstanceOf(UsageError);
  expect(failure.code).toBe(code);
  expect(failure.message).toMatch(new RegExp(`^${name}: expected (?:a page, got Node|Node, got a page)\\. `));
});

test("settings of pages are the same to TypeScript in both entries", () => {
  expectTypeOf<Parameters<typeof node.configure>[0]>().toEqualTypeOf<node.WebSettings>();
  expectTypeOf<Parameters<typeof node.evaluate>>().toEqualTypeOf<Parameters<typeof nodeOnly.evaluate>>();
});

test("configure takes a page's addresses in Node, and no unknown setting", () => {
  expect(() =>
    node.configure({ runtime: "/engine/", models: "/models/", imageWorker: "/w.js" }),
  ).not.toThrow();
  const wrong = { runtime: "/engine/", runtimes: "/engine/" };
  expect(() => node.configure(wrong)).toThrow(
    "configure: expected one of the settings runtime, wasmPaths, worker",
  );
});
