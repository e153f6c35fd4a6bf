// The API reference: TypeDoc makes it from the docstrings without a warning.
import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";

test("npm run docs makes a page per public name, without a warning", async () => {
  const out = await mkdtemp(join(tmpdir(), "blip-docs-"));
  try {
    // `treatWarningsAsErrors`: a warning is an exit status of its own.
    await promisify(execFile)("npx", ["typedoc", "--out", out]);
    const pages = (await readdir(out, { recursive: true })).filter((name) => name.endsWith(".html"));
    for (const name of ["match", "Blip", "BlipForConditionalGeneration", "Batched", "train", "evaluate"])
      expect(
        pages.filter((page) => page.endsWith(`.${name}.html`)),
        name,
      ).not.toEqual([]);
  } finally {
    await rm(out, { recursive: true, force: true });
  }
}, 180_000);
