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
import { fixture } from "./support/goldens.ts";

const built = pathToFileURL(fixture("../packages/blip/dist/node.js")).href;
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

/** A verb over all pictures, as the text of a program: a call, and how many rows it gives. */
interface Verb {
  readonly model: string;
  readonly call: string;
  readonly rows: number;
}

const texts =
  'Array.from({ length: 40 }, (_, index) => "a photo of " + "very ".repeat(index % 9) + "small cats")';

const verbs: Readonly<Record<string, Verb>> = {
  match: { model: "match", call: `match(pictures, ${texts}, options)`, rows: 640 },
  caption: { model: "caption", call: "caption(pictures, options)", rows: 16 },
  "caption, scored by another model": {
    model: "caption",
    call: `caption(pictures, { ...options, matchModel: ${JSON.stringify(fixture("tiny/match"))} })`,
    rows: 16,
  },
  ask: { model: "vqa", call: `ask(pictures, ${texts}, options)`, rows: 640 },
  "ask, answers of a list": {
    model: "vqa",
    call: `ask(pictures, ["what is this?"], { ...options, answers: ${texts} })`,
    rows: 16,
  },
};

/** Runs a verb in a process of its own. @returns MB (of a million bytes) at its peak, or the least that a refusal names */
async function run({ model, call, rows }: Verb, memory: number | undefined) {
  const program = `
    import { readFileSync } from "node:fs";
    import { ask, caption, match } from ${JSON.stringify(built)};
    const pictures = ${JSON.stringify(pictures)};
    const options = {
      model: ${JSON.stringify(fixture(`tiny/${model}`))}, imageBatchSize: 16, memory: ${String(memory)}, onWarning() {},
    };
    try {
      const rows = await ${call};
      if (rows.length !== ${rows} || rows.some((row) => "error" in row)) throw new Error("rows are missing");
      const [, peak] = /VmHWM:\\s+(\\d+) kB/.exec(readFileSync("/proc/self/status", "utf8"));
      console.log(JSON.stringify({ peak: (peak * 1024) / 1e6 }));
    } catch (error) {
      if (error.code !== "usage/memory-too-small") throw error;
      console.log(JSON.stringify({ least: error.fields.least }));
    }
  `;
  const file = join(folder, "peak.mjs");
  await writeFile(file, program);
  const { stdout } = await promisify(execFile)(process.execPath, [file]);
  return JSON.parse(stdout) as { readonly peak?: number; readonly least?: number };
}

describe.skipIf(!existsSync("/proc/self/status"))("a bound of memory", () => {
  test.each(Object.entries(verbs))(
    "holds for the whole process, which goes beyond it without one: %s",
    async (_, verb) => {
      const { least = 0 } = await run(verb, 1);
      expect(least).toBeGreaterThan(300);
      expect((await run(verb, least)).peak).toBeLessThan(least);
      expect((await run(verb, undefined)).peak).toBeGreaterThan(least);
    },
  );
});
