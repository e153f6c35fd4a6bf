// Files of lines: used by one process at a time, and released in every case.
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { arrayOf } from "@blip-ts/testing";
import { openRowFile } from "./row-file.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "blip-rows-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test("a file that cannot be opened leaves no lock behind", async () => {
  await mkdir(join(folder, "rows.jsonl"));
  await expect(openRowFile(join(folder, "rows.jsonl"))).rejects.toMatchObject({
    code: "evaluate/cannot-write",
  });
  expect(await readdir(folder)).toEqual(["rows.jsonl"]);
});

test("a file in use is rejected with the process that has it, and free when it is closed", async () => {
  const path = join(folder, "rows.jsonl");
  const file = await openRowFile(path);
  await expect(openRowFile(path)).rejects.toMatchObject({
    code: "evaluate/in-use",
    message: expect.stringContaining(String(process.pid)) as string,
  });
  await file.close();
  const again = await openRowFile(path);
  await again.close();
  expect(await readdir(folder)).toEqual(["rows.jsonl"]);
});

test("only a line feed ends a line, whatever else a text holds; long lines are whole", async () => {
  const file = await openRowFile(join(folder, "rows.jsonl"));
  const rows = ["a\u2028b\u2029c\u0085d\re\v\f", "", "\u{1f415}".repeat(17_000), "the last"];
  await file.append(rows.map((row) => `${row}\n`).join(""));
  expect(await arrayOf(file.lines())).toEqual(rows);
  await file.keep(3);
  expect(await arrayOf(file.lines())).toEqual(rows.slice(0, 3));
  await file.close();
});
