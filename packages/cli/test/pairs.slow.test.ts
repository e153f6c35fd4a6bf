// Every form of `--pairs` by every verb: the library's numbers in the rows' order, with the rows' other fields.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { cases, expectedRows, forms } from "./pair-cases.ts";
import { blip, rowsOf, tiny } from "./run-blip.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "blip-pairs-"));
});
afterAll(() => rm(folder, { recursive: true }));

test.each(cases)("blip $verb --pairs takes every form", async (pairs) => {
  const { verb, model, rows } = pairs;
  const expected = await expectedRows(pairs);
  for (const [index, [, write]] of forms.entries()) {
    const file = join(folder, `${verb}-${index}`);
    await writeFile(file, write(rows));
    const { code, stdout, stderr } = await blip([verb, "--pairs", file, "--model", tiny(model), "--json"]);
    expect([code, stderr]).toEqual([0, ""]);
    expect(rowsOf(stdout)).toEqual(expected);
    expect(Object.keys(rowsOf(stdout)[0] ?? {})[0]).toBe(verb === "compare" ? "images" : "image");
  }
});
