// Completion scripts: their text for every verb and option, and bash's at work.
import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { shells } from "../src/completion/scripts.ts";
import { blip } from "./run-blip.ts";

const run = promisify(execFile);
let folder = "";
const scriptOf = async (shell: string) => (await blip(["completion", shell])).stdout;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "blip-completion-"));
  for (const shell of shells) writeFileSync(join(folder, `blip.${shell}`), await scriptOf(shell));
  writeFileSync(join(folder, "a photo.png"), "");
});
afterAll(() => rmSync(folder, { recursive: true }));

const has = (program: string) => {
  try {
    execFileSync("sh", ["-c", `command -v ${program}`]);
    return true;
  } catch {
    return false;
  }
};

describe.each(shells)("blip completion %s", (shell) => {
  test("knows every verb, its options and their values", async () => {
    const text = await scriptOf(shell);
    const option = (name: string) => (shell === "fish" ? `-l ${name}` : `--${name}`);
    for (const word of ["match", "caption", "completion", "capfilt", option("top-p"), option("dtype")])
      expect(text).toContain(word);
    expect(text).toMatch(/hf blip lavis/);
    expect(text).toMatch(/bash zsh fish/);
    expect(text).toContain("blip-ts");
    // Neither bold nor wrapped: descriptions are one line each.
    expect(text).not.toMatch(/\x1b/);
  });

  test.runIf(has(shell))("is right by its shell's own parser", async () => {
    const flag = shell === "fish" ? "--no-execute" : "-n";
    const { stderr } = await run(shell, [flag, join(folder, `blip.${shell}`)]);
    expect(stderr).toBe("");
  });
});

test("an unknown shell is refused with those that there are", async () => {
  const { code, stderr, stdout } = await blip(["completion", "tcsh"]);
  expect([code, stdout]).toEqual([2, ""]);
  expect(stderr).toMatch(/bash, zsh, fish/);
});

/** What bash offers behind words of which the last is not finished. */
async function offered(...words: string[]): Promise<string[]> {
  const list = words.map((word) => `'${word}'`).join(" ");
  const script = [
    `source ${join(folder, "blip.bash")}`,
    `COMP_WORDS=(${list})`,
    `COMP_CWORD=${words.length - 1}`,
    "_blip 2>/dev/null",
    'printf "%s\\n" "${COMPREPLY[@]}"',
  ].join("\n");
  const { stdout } = await run("bash", ["-c", script], { cwd: folder });
  return stdout.split("\n").filter((line) => line !== "");
}

describe.runIf(has("bash"))("bash", () => {
  test.each<[string[], string[]]>([
    [
      ["blip", "ca"],
      ["caption", "capfilt"],
    ],
    [["blip", "match", "--comp"], ["--compat"]],
    [
      ["blip", "match", "--compat", ""],
      ["hf", "blip", "lavis", "demo"],
    ],
    [["blip", "match", "--compat", "=", "l"], ["lavis"]],
    [["blip-ts", "retrieve", "a photo.png", "--by", "i"], ["image"]],
    [["blip", "caption", "--no-r"], ["--no-repeat-ngram"]],
    [["blip", "completion", "f"], ["fish"]],
    [["blip", "eval", "nl"], ["nlvr"]],
    [["blip", "nothing", "--mo"], []],
    // Nothing of ours: bash offers paths.
    [["blip", "match", "a"], []],
    [["blip", "match", "--model", ""], []],
  ])("offers for %j %j", async (words, expected) => {
    expect(await offered(...words)).toEqual(expected);
  });

  test("both names of the program are completed", async () => {
    const { stdout } = await run("bash", [
      "-c",
      `source ${join(folder, "blip.bash")}; complete -p blip blip-ts`,
    ]);
    expect(stdout).toBe(
      "complete -o bashdefault -o default -F _blip blip\ncomplete -o bashdefault -o default -F _blip blip-ts\n",
    );
  });
});

describe.runIf(has("fish"))("fish", () => {
  const complete = async (line: string) => {
    const script = `source ${join(folder, "blip.fish")}; complete -C '${line}'`;
    const { stdout } = await run("fish", ["--no-config", "-c", script], { cwd: folder });
    return stdout
      .split("\n")
      .flatMap((text) => text.split("\t")[0] ?? [])
      .filter((text) => text !== "");
  };

  test.each<[string, string[]]>([
    ["blip capt", ["caption"]],
    ["blip match --compat ", ["blip", "demo", "hf", "lavis"]],
    ["blip completion z", ["zsh"]],
    ["blip match --pillow", ["--pillow-order"]],
  ])("offers for %s", async (line, expected) => {
    expect(await complete(line)).toEqual(expected);
  });
});
