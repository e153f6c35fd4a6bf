// Models some of whose numbers are overwritten, and images that show it or do not.
import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { readSafetensors } from "@blip-ts/checkpoint";
import { fileSource } from "../../src/platform/node/local-files.ts";

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
export async function damagedModel(
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
export async function blindToWhite(source: string, folder: string): Promise<string> {
  await damagedModel(source, folder, {
    "vision_model.embeddings.patch_embedding.weight": { value: 3e38 },
  });
  await writeFile(join(folder, "preprocessor_config.json"), JSON.stringify(plainPixels));
  return folder;
}
