// The peak of a whole process (VmHWM of /proc/self/status) within the bound that it was given, and beyond it without one.
import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
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

/** Most bytes that a process and those that it starts take together, looked at every 10 ms. */
async function treePeak(program: string) {
  const file = join(folder, "tree.mjs");
  await writeFile(file, program);
  const child = execFile(process.execPath, [file]);
  let output = "";
  child.stdout?.on("data", (text: string) => (output += text));
  let peak = 0;
  const watch = setInterval(() => (peak = Math.max(peak, treeBytes(Number(child.pid)))), 10);
  await new Promise((resolve) => child.once("exit", resolve));
  clearInterval(watch);
  return {
    peak: peak / 1e6,
    rows: JSON.parse(output) as { readonly error?: { readonly message: string } }[],
  };
}

function treeBytes(pid: number): number {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean);
    const own = Number(readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1]) * 4096;
    return children.reduce((sum, one) => sum + treeBytes(Number(one)), own);
  } catch {
    // It has ended meanwhile.
    return 0;
  }
}

describe.skipIf(!existsSync("/proc/self/status"))("a photograph of 108 megapixels", () => {
  test("fails its row naming the MB that it needs, within which it is decoded, and the bound holds in both", async () => {
    const photograph = join(folder, "photograph.jpg");
    const create = { width: 12_000, height: 9000, channels: 3, background: { r: 9, g: 99, b: 199 } } as const;
    await sharp({ create, limitInputPixels: false }).jpeg().toFile(photograph);
    const program = (memory: number) => `
      import { match } from ${JSON.stringify(built)};
      const images = ${JSON.stringify([photograph, pictures[0], photograph])};
      const rows = await match(images, ["a"], { memory: ${memory}, onWarning() {} });
      console.log(JSON.stringify(rows));
    `;
    const bound = 410;
    const small = await treePeak(program(bound));
    expect(small.peak).toBeLessThan(bound);
    expect(small.rows.map(({ error }) => error !== undefined)).toEqual([true, false, true]);
    const needed = Number(/give memory: (\d+)/.exec(small.rows[0]?.error?.message ?? "")?.[1]);
    expect(needed).toBeGreaterThan(bound);
    const large = await treePeak(program(needed));
    console.log({ small: small.peak, needed, large: large.peak });
    expect(large.rows.map(({ error }) => error)).toEqual([undefined, undefined, undefined]);
    expect(large.peak).toBeLessThan(needed);
  });
});
