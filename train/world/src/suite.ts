// `npm run world -- suite`: joins the trained models to the embedded suite, with all weights in half precision.
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Command } from "commander";
import { elementCount, memorySource, openCheckpoint } from "@blip-ts/checkpoint";
import { tooBig } from "./errors.ts";
import { halveModel } from "./halve.ts";
import { blip, type Blip } from "./work/program.ts";

/** The trained models, each a folder with a frozen image encoder that equals the base's. */
export interface SuiteModels {
  /** The pre-trained model, which matches and captions. */
  readonly base: string;
  readonly ask: string;
  readonly compare: string;
}

/** What the embedded model may have at most: numbers in its files, and bytes. */
export const limits = { weights: 9_000_000, bytes: 18_000_000 } as const;

export interface SuiteSize {
  readonly weights: number;
  readonly bytes: number;
}

/** The size of a folder: all numbers of its safetensors files, and the bytes of all files. */
export async function sizeOf(folder: string): Promise<SuiteSize> {
  let [weights, bytes] = [0, 0];
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const file = readFileSync(path);
    bytes += file.length;
    if (!entry.name.endsWith(".safetensors")) continue;
    const { tensors } = await openCheckpoint(memorySource(path, file));
    for (const { shape } of tensors.values()) weights += elementCount(shape) ?? 0;
  }
  return { weights, bytes };
}

/**
 * Writes the suite in place of the folder's files, except its README.md.
 * @throws {WorldError} `world/too-big`, `world/too-large`, `world/blip-failed`; then the folder is as it was
 */
export async function makeEmbedded(
  models: SuiteModels,
  out: string,
  run: Blip,
  most: SuiteSize = limits,
): Promise<SuiteSize> {
  const work = mkdtempSync(join(tmpdir(), "suite-"));
  try {
    for (const [part, model] of Object.entries(models) as readonly [string, string][])
      await halveModel(model, join(work, part));
    const suite = join(work, "suite");
    const parts = { match: "base", caption: "base", ask: "ask", compare: "compare" };
    const named = Object.entries(parts).map(([task, part]) => `${task}=${join(work, part)}`);
    await run({ args: ["convert", "--suite", suite, ...named], log: join(work, "convert.log") }).catch(
      (error: unknown) => {
        process.stderr.write(readFileSync(join(work, "convert.log"), "utf8"));
        throw error;
      },
    );
    const size = await sizeOf(suite);
    if (size.weights > most.weights || size.bytes > most.bytes) throw tooBig(out, most, size);
    mkdirSync(out, { recursive: true });
    for (const file of readdirSync(out))
      if (file !== "README.md") rmSync(join(out, file), { recursive: true });
    cpSync(suite, out, { recursive: true });
    return size;
  } finally {
    rmSync(work, { recursive: true });
  }
}

const millions = (count: number) => (count / 1e6).toFixed(2);

export function addSuite(program: Command): void {
  program
    .command("suite")
    .description("join trained models to a suite in half precision, such as the embedded model")
    .argument("<base>", "the pre-trained model: match, caption, retrieve, embed")
    .argument("<ask>", "the model of `blip train vqa`, with the base's frozen image encoder")
    .argument("<compare>", "the model of `blip train nlvr`, with the base's frozen image encoder")
    .argument("<out>", "a folder; its files are replaced, except README.md")
    .action(async (base: string, ask: string, compare: string, out: string) => {
      const { weights, bytes } = await makeEmbedded({ base, ask, compare }, out, blip);
      process.stderr.write(`${out}: ${millions(weights)} million weights, ${millions(bytes)} MB\n`);
    });
}
