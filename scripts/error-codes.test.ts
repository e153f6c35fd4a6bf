// Every code of an error or a warning has a factory with its cause and its remedy, and docs/errors.md is up to date.
import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { errorCodes, errorsPage, faultsOf, pagePath } from "./error-codes.ts";

test("docs/errors.md matches the factories (npm run errors)", async () => {
  const codes = await errorCodes();
  expect(codes.faults).toEqual([]);
  expect(codes.errors.length).toBeGreaterThan(200);
  for (const list of [codes.errors, codes.warnings]) expect(list).toEqual([...new Set(list)].sort());
  expect(await readFile(pagePath, "utf8")).toBe(errorsPage(codes));
});

test("an error made outside a factory, a factory without advice and a flag are reported", () => {
  const known = new Set(["model/not-found"]);
  const text = 'export const f = () => new ModelError("model/not-found", "Say --task.");';
  expect(faultsOf("packages/blip/src/load.ts", text, known, known)).toEqual([
    "packages/blip/src/load.ts:1: expected a factory in errors.ts, got an error made here. Move it.",
  ]);
  const faults = faultsOf("packages/blip/src/errors.ts", text, known, known);
  expect(faults).toHaveLength(2);
  expect(faults[0]).toContain("got --task");
  expect(faults[1]).toContain("@remedy, got none");
  const documented = `/** There is no file. @remedy Check it. */\n${text.replace("--task", "task")}`;
  expect(faultsOf("packages/blip/src/errors.ts", documented, known, known)).toEqual([]);
  expect(
    faultsOf("packages/blip/src/load.ts", 'warn({ code: "model/not-found" });', known, known),
  ).toHaveLength(1);
});
