// The API reference: TypeDoc makes it from the docstrings without a warning.
import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";

test("npm run docs makes a page per public class and function, without a warning", async () => {
  const out = await mkdtemp(join(tmpdir(), "blip-docs-"));
  try {
    // `treatWarningsAsErrors`: a warning is an exit status of its own.
    await promisify(execFile)("npx", ["typedoc", "--out", out]);
    const folders = await readdir(out);
    expect(folders).toEqual(expect.arrayContaining(["classes", "functions", "interfaces", "index.html"]));
    const classes = (await readdir(join(out, "classes"))).join(" ");
    for (const name of ["Blip", "BlipForConditionalGeneration"]) expect(classes).toContain(`${name}.html`);
  } finally {
    await rm(out, { recursive: true, force: true });
  }
}, 180_000);
