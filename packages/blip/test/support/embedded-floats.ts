// The embedded model's matching network as a plain folder with float32 weights, whatever the package stores.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  elementCount,
  floatRows,
  memorySource,
  openCheckpoint,
  safetensorsBytes,
  type MadeTensor,
  type StoredTensor,
} from "@blip-ts/checkpoint";
import { convert } from "blip-ts";

const asFloats = (tensor: StoredTensor): MadeTensor => ({
  dtype: "float32",
  shape: tensor.shape,
  byteLength: 4 * (elementCount(tensor.shape) ?? 0),
  async *bytes() {
    for await (const rows of floatRows(tensor)) yield new Uint8Array(Float32Array.from(rows).buffer);
  },
});

/** Writes the folder, which must not exist yet. */
export async function embeddedAsFloats(folder: string): Promise<void> {
  await convert("picture-book", folder, { task: "match" });
  const path = join(folder, "model.safetensors");
  const { tensors } = await openCheckpoint(memorySource(path, await readFile(path)));
  const made = new Map([...tensors].map(([name, tensor]) => [name, asFloats(tensor)]));
  const chunks: Uint8Array[] = [];
  for await (const chunk of safetensorsBytes(made)) chunks.push(chunk);
  await writeFile(path, Buffer.concat(chunks));
}
