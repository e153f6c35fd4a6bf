// Models some of whose numbers are overwritten, and images that show it or do not.
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readSafetensors } from "@blip-ts/checkpoint";
import { fileSource } from "../../src/platform/node/local-files.ts";
import { nodePlatform } from "../../src/platform/node/node-platform.ts";
import { convert } from "../../src/tools/convert.ts";
import { fixture } from "./goldens.ts";

/** What float32 numbers of a tensor become: all of them, or those of one row of its first dimension. */
export interface Damage {
  readonly value: number;
  readonly row?: number;
}

/** Overwrites float32 numbers of tensors in a safetensors file. */
export async function damage(file: string, tensors: Readonly<Record<string, Damage>>): Promise<void> {
  const stored = (await readSafetensors(await fileSource(file))).tensors;
  const bytes = await readFile(file);
  for (const [name, { value, row }] of Object.entries(tensors)) {
    const tensor = stored.get(name);
    if (tensor?.dtype !== "float32") throw new Error(`${file} has no float32 ${name}`);
    const { offset, byteLength, shape } = tensor;
    const size = row === undefined ? byteLength : byteLength / (shape[0] ?? 1);
    const from = offset + (row ?? 0) * size;
    for (let at = from; at < from + size; at += 4) bytes.writeFloatLE(value, at);
  }
  await writeFile(file, bytes);
}

/** A copy of a model's folder with overwritten numbers. */
async function damagedModel(
  source: string,
  folder: string,
  tensors: Readonly<Record<string, Damage>>,
): Promise<string> {
  await cp(source, folder, { recursive: true });
  await damage(join(folder, "model.safetensors"), tensors);
  return folder;
}

/** An image of one colour, whose pixel values are all 0 or all 1 under `plainPixels`. */
export const plainImage = (level: 0 | 255) => ({
  ...{ data: new Uint8Array(3 * 8 * 8).fill(level), width: 8, height: 8 },
  channels: 3 as const,
});

/** Image settings under which black is 0 and white 1. */
const plainPixels = { image_mean: [0, 0, 0], image_std: [1, 1, 1], size: { height: 32, width: 32 } };

/** A copy of a model that sees black images as before, and overflows at white ones: so it is with one image of many. */
async function blindToWhite(source: string, folder: string): Promise<string> {
  await damagedModel(source, folder, {
    "vision_model.embeddings.patch_embedding.weight": { value: 3e38 },
  });
  await writeFile(join(folder, "preprocessor_config.json"), JSON.stringify(plainPixels));
  return folder;
}

/** Models for a test file: tiny ones, whole or damaged, in a folder of their own, which is HF_HOME too. */
export class DamagedModels {
  #root = "";
  #count = 0;
  readonly #home = process.env.HF_HOME;

  get root(): string {
    return this.#root;
  }

  async begin(): Promise<void> {
    this.#root = await mkdtemp(join(tmpdir(), "blip-finite-"));
    process.env.HF_HOME = join(this.#root, "home");
    // Those that are no safetensors.
    for (const name of notSafetensors)
      await convert(nodePlatform, fixture(`tiny/${name}`), this.tiny(name), { onWarning: () => undefined });
  }

  async end(): Promise<void> {
    if (this.#home === undefined) delete process.env.HF_HOME;
    else process.env.HF_HOME = this.#home;
    await rm(this.#root, { recursive: true, force: true });
  }

  /** A model of fixtures/tiny, as safetensors. */
  tiny(name: string): string {
    return notSafetensors.includes(name) ? join(this.#root, name) : fixture(`tiny/${name}`);
  }

  /** A folder that is not there yet. */
  place(): string {
    return join(this.#root, `model-${this.#count++}`);
  }

  without(name: string, tensors: Readonly<Record<string, Damage>>): Promise<string> {
    return damagedModel(this.tiny(name), this.place(), tensors);
  }

  blindToWhite(name: string): Promise<string> {
    return blindToWhite(this.tiny(name), this.place());
  }
}

const notSafetensors: readonly string[] = ["nlvr-original", "caption-4x"];

/** The numbers of "dog", token 56 of the tiny vocabulary. */
export const noDog = (table: string): Record<string, Damage> => ({
  [`${table}.word_embeddings.weight`]: { value: NaN, row: 56 },
});

/** What a decoder reads at its fourth place, after [DEC] and two words. */
export const noThirdWord: Record<string, Damage> = {
  "text_decoder.bert.embeddings.position_embeddings.weight": { value: NaN, row: 3 },
};
