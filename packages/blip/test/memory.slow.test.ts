// The peak of a whole process (VmHWM of /proc/self/status) within the bound that it was given, and beyond it without one.
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { failureOf } from "./support/failure.ts";
import { fixture } from "./support/goldens.ts";
import { match } from "blip-ts";

const built = pathToFileURL(fixture("../packages/blip/dist/node.js")).href;
const tiny = fixture("tiny/match");
let folder = "";
const pictures: string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "blip-memory-"));
  // 8 million pixels each: 24 MB once decoded, a few kB as a file.
  const create = { width: 3264, height: 2448, channels: 3, background: { r: 9, g: 99, b: 199 } } as const;
  const bytes = await sharp({ create }).jpeg().toBuffer();
  for (let index = 0; index < 16; index++) {
    const file = join(folder, `${index}.jpg`);
    await sharp(bytes).toFile(file);
    pictures.push(file);
  }
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** MB (of a million bytes) at the peak of a process of its own that matches all pictures with many texts. */
async function peak(memory: number | undefined): Promise<number> {
  const program = `
    import { readFileSync } from "node:fs";
    import { match } from ${JSON.stringify(built)};
    const texts = Array.from({ length: 40 }, (_, index) => "a photo of " + "very ".repeat(index % 9) + "small cats");
    const rows = await match(${JSON.stringify(pictures)}, texts, {
      model: ${JSON.stringify(tiny)}, imageBatchSize: 16, memory: ${String(memory)}, onWarning() {},
    });
    if (rows.length !== 640 || rows.some((row) => "error" in row)) throw new Error("rows are missing");
    console.log(/VmHWM:\\s+(\\d+) kB/.exec(readFileSync("/proc/self/status", "utf8"))[1]);
  `;
  const file = join(folder, "peak.mjs");
  await writeFile(file, program);
  const { stdout } = await promisify(execFile)(process.execPath, [file]);
  return (Number(stdout) * 1024) / 1e6;
}

describe.skipIf(!existsSync("/proc/self/status"))("a bound of memory", () => {
  test("holds for the whole process, which goes beyond it without one", async () => {
    const refused = await failureOf(() => match(pictures, ["a cat"], { model: tiny, memory: 1 }));
    const least = Number(refused.fields.least);
    expect(await peak(least)).toBeLessThan(least);
    expect(await peak(undefined)).toBeGreaterThan(least);
  });
});
