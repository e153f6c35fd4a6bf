// Copies a model's folder with other weights.
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  memorySource,
  openCheckpoint,
  safetensorsBytes,
  type MadeTensor,
  type StoredTensor,
} from "@blip-ts/checkpoint";

const weightsFile = "model.safetensors";

type Tensors = ReadonlyMap<string, StoredTensor>;

/**
 * Copies a model's folder. `change` returns the copy's tensors.
 * @returns the size of the weights file in bytes
 */
export async function copyModel(
  model: string,
  out: string,
  change: (tensors: Tensors) => ReadonlyMap<string, MadeTensor | StoredTensor>,
): Promise<number> {
  const path = join(model, weightsFile);
  const { tensors } = await openCheckpoint(memorySource(path, readFileSync(path)));
  const chunks: Uint8Array[] = [];
  for await (const chunk of safetensorsBytes(change(tensors))) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  mkdirSync(out, { recursive: true });
  for (const entry of readdirSync(model, { withFileTypes: true }))
    if (entry.isFile() && entry.name !== weightsFile)
      copyFileSync(join(model, entry.name), join(out, entry.name));
  writeFileSync(join(out, weightsFile), bytes);
  return bytes.length;
}
