// Models with overwritten numbers, and images that do or do not reveal them.
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readSafetensors } from "@blip-ts/checkpoint";
import { fileSource } from "../../src/platform/node/local-files.ts";
import { nodePlatform } from "../../src/platform/node/node-platform.ts";
import { convert } from "../../src/tools/convert.ts";
import { fixture } from "./goldens.ts";

/** The new value for a tensor's float32 numbers: for all, or for one row of its first dimension. */
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

/** Copies a model's folder and overwrites numbers in the copy. */
async function damagedModel(
  source: string,
  folder: string,
  tensors: Readonly<Record<string, Damage>>,
): Promise<string> {
  await cp(source, folder, { recursive: true });
  await damage(join(folder, "model.safetensors"), tensors);
  return folder;
}

/** An image of one colour. With `plainPixels` its pixel values are all 0 or all 1. */
export const plainImage = (level: 0 | 255) => ({
  ...{ data: new Uint8Array(3 * 8 * 8).fill(level), width: 8, height: 8 },
  channels: 3 as const,
});

/** Image settings that map black to 0 and white to 1. */
const plainPixels = { image_mean: [0, 0, 0], image_std: [1, 1, 1], size: { height: 32, width: 32 } };

/** Copies a model so that black images work as before and white ones overflow: one bad image among many. */
async function blindToWhite(source: string, folder: string): Promise<string> {
  await damagedModel(source, folder, {
    "vision_model.embeddings.patch_embedding.weight": { value: 3e38 },
  });
  await writeFile(join(folder, "preprocessor_config.json"), JSON.stringify(plainPixels));
  return folder;
}

/** Models for a test file: tiny ones, whole or damaged, in a temporary folder, which also holds HF_HOME. */
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
    // Converts the models that are not safetensors.
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

  /** The path of a folder that does not exist yet. */
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

/** Damages the embedding of "dog", token 56 of the tiny vocabulary. */
export const noDog = (table: string): Record<string, Damage> => ({
  [`${table}.word_embeddings.weight`]: { value: NaN, row: 56 },
});

/** Damages the decoder's fourth position, after [DEC] and two words. */
export const noThirdWord: Record<string, Damage> = {
  "text_decoder.bert.embeddings.position_embeddings.weight": { value: NaN, row: 3 },
};
