// Weights files for tests.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { safetensorsBytes, type MadeTensor } from "@blip-ts/checkpoint";

export const floats = (shape: readonly number[], values: readonly number[]): MadeTensor => ({
  ...{ dtype: "float32", shape, byteLength: 4 * values.length },
  // Nothing is awaited, but the interface is asynchronous.
  // eslint-disable-next-line @typescript-eslint/require-await
  async *bytes() {
    yield new Uint8Array(Float32Array.from(values).buffer);
  },
});

/** Writes a model.safetensors into the folder. */
export async function writeWeights(
  folder: string,
  tensors: Readonly<Record<string, MadeTensor>>,
): Promise<void> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of safetensorsBytes(new Map(Object.entries(tensors)))) chunks.push(chunk);
  writeFileSync(join(folder, "model.safetensors"), Buffer.concat(chunks));
}
