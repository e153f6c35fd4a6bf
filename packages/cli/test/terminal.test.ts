// What others wrote (names of files, texts, arguments) reaches no terminal as anything but characters.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { blip, rowsOf, scene, tiny } from "./run-blip.ts";

const evil = "\u001b]0;title\u0007\u001b[31mred\u009b1m\u202e\nfake.png  a dog  100.0 %";
const shown = "\\u001b]0;title\\u0007\\u001b[31mred\\u009b1m\\u202e\\nfake.png  a dog  100.0 %";
/** All but the line ends that the command writes. */
const obeyed = /[\0-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/;

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "blip-terminal-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const model = ["--model", tiny("match"), "--quiet"];

test("a table has a line a row, whatever images and texts are called", async () => {
  const { stdout } = await blip(["match", scene("01"), evil, "-t", evil, "-t", "a dog", ...model]);
  expect(stdout).not.toMatch(obeyed);
  // The head, two texts about the image, and the row of the one that is not there.
  const lines = stdout.trimEnd().split("\n");
  expect(lines).toHaveLength(4);
  expect(lines.filter((line) => line.startsWith("fake.png"))).toEqual([]);
  expect(stdout).toContain(shown);
});

test("messages are a line each", async () => {
  const { stderr, code } = await blip(["match", evil, "-t", "a dog", "--model", tiny("match")]);
  expect(code).toBe(1);
  expect(stderr).not.toMatch(obeyed);
  expect(stderr.trimEnd().split("\n")).toHaveLength(1);
  expect(stderr).toContain(shown);
});

test.each(["--json", "--jsonl"])("%s says the same in printable characters", async (form) => {
  const { stdout } = await blip(["match", scene("01"), "-t", evil, ...model, form]);
  expect(stdout).not.toMatch(obeyed);
  const rows = form === "--json" ? rowsOf(stdout) : rowsOf(`[${stdout}]`);
  expect(rows[0]?.text).toBe(evil);
});

test.each<[string, string[]]>([
  ["an option", ["match", `--${evil}`]],
  ["a verb", [evil]],
  ["a model", ["match", scene("01"), "-t", "a dog", "--model", evil]],
  ["a task", ["inspect", tiny("match"), "--graph", evil]],
])("the name of %s that is none", async (_, args) => {
  const { stdout, stderr, code } = await blip(args);
  expect(code).not.toBe(0);
  expect(stdout + stderr).not.toMatch(obeyed);
});

test("a text above the bound fails the command and is not printed", async () => {
  const texts = join(folder, "texts.txt");
  await writeFile(texts, `a dog\n${"a\u001b[31m-".repeat(3_000)}\n`);
  const { stdout, stderr, code } = await blip(["match", scene("01"), "--texts", texts, ...model]);
  expect(code).not.toBe(0);
  expect(stdout + stderr).not.toMatch(obeyed);
  expect(stderr).toContain("expected at most 10000 characters, got 21000");
  const raised = ["--max-text-length", "30000"];
  expect((await blip(["match", scene("01"), "--texts", texts, ...model, ...raised])).code).toBe(0);
});
