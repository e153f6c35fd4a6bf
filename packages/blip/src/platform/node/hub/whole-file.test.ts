// A cached file's header determines its expected length, within the limits of the file's own reader.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { fileState } from "./whole-file.ts";

async function stateOf(header: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "blip-whole-"));
  try {
    const path = join(folder, "model.safetensors");
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(header.length));
    await writeFile(path, Buffer.concat([length, Buffer.from(header), Buffer.alloc(10)]));
    return await fileState(path, "model.safetensors", () => Promise.resolve(undefined));
  } finally {
    await rm(folder, { recursive: true });
  }
}

const entry = (end: number) => `{"a": {"dtype": "U8", "shape": [${end}], "data_offsets": [0, ${end}]}`;

test.each([
  ["as long as its header says", `${entry(10)}}`, "whole"],
  ["shorter than its header says", `${entry(11)}}`, "cut"],
  // Left to the reader, which rejects it; it is not parsed anywhere else.
  ["of a header above the reader's bound", `${entry(11)}}${" ".repeat(4_000_000)}`, "whole"],
  ["of a header that nests too deep", `${entry(11)}, "b": ${"[".repeat(5)}${"]".repeat(5)}}`, "whole"],
  ["of a header that is no JSON", entry(11), "whole"],
])("a file %s", async (_what, header, state) => {
  expect(await stateOf(header)).toBe(state);
});
