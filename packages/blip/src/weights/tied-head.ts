// The LM head's matrix and bias, which files contain once, twice, or under either name.
import { exactly, type IntendedGap } from "./intended-gaps.ts";
import type { StoredTensor } from "@blip-ts/checkpoint";

const head = "text_decoder.cls.predictions.";
const words = "text_decoder.bert.embeddings.word_embeddings.weight";

/** The bias under its second name, if a file has both. */
export const secondBias: IntendedGap = {
  covers: exactly(`${head}decoder.bias`),
  reason: "the bias of the LM head under its second name",
};

/**
 * Adds the names that the network looks for. Without a matrix of its own (transformers 5), the LM head uses the word
 * embeddings; fine-tunes of transformers 4 may have a matrix that differs from them. The bias is `bias`, or else
 * `decoder.bias`.
 */
export function withTiedHead(tensors: ReadonlyMap<string, StoredTensor>): ReadonlyMap<string, StoredTensor> {
  const filled = new Map(tensors);
  const fill = (name: string, from: string) => {
    const tensor = tensors.get(from);
    if (!filled.has(name) && tensor) filled.set(name, tensor);
  };
  if (tensors.has(`${head}transform.dense.weight`)) {
    fill(`${head}decoder.weight`, words);
    fill(`${head}bias`, `${head}decoder.bias`);
  }
  return filled;
}
