// Stores weights in half precision between two stages of training, which takes half of the bytes. They are read back as
// float32, so the next stage starts within a rounding error of the previous one.
import { elementCount, floatRows, type MadeTensor, type StoredTensor } from "@blip-ts/checkpoint";
import { halfMax, toHalf } from "@blip-ts/graph";
import { copyModel } from "./copy-model.ts";
import { tooLarge } from "./errors.ts";

const floats: ReadonlySet<string> = new Set(["float32", "float64", "bfloat16"]);

function halved(name: string, tensor: StoredTensor): MadeTensor | StoredTensor {
  if (!floats.has(tensor.dtype)) return tensor;
  return {
    dtype: "float16",
    shape: tensor.shape,
    byteLength: 2 * (elementCount(tensor.shape) ?? 0),
    async *bytes() {
      for await (const rows of floatRows(tensor)) {
        const largest = rows.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
        if (!(largest <= halfMax)) throw tooLarge(name, largest);
        yield new Uint8Array(Uint16Array.from(rows, toHalf).buffer);
      }
    },
  };
}

/**
 * Copies a model's folder, with its weights in half precision.
 * @returns the size of the weights file in bytes
 * @throws {WorldError} `world/too-large` if a weight exceeds the range of half precision
 */
export const halveModel = (model: string, out: string): Promise<number> =>
  copyModel(
    model,
    out,
    (tensors) => new Map([...tensors].map(([name, tensor]) => [name, halved(name, tensor)])),
  );
