// The memory needs of several loaded parts that share an image encoder.
import type { TextConfig } from "../model/config.ts";
import type { MemoryNeeds } from "./memory-plan.ts";

/** A text stack that is at least as large as both in every size. */
const larger = (a: TextConfig, b: TextConfig): TextConfig => ({
  ...a,
  hiddenSize: Math.max(a.hiddenSize, b.hiddenSize),
  layers: Math.max(a.layers, b.layers),
  heads: Math.max(a.heads, b.heads),
  intermediateSize: Math.max(a.intermediateSize, b.intermediateSize),
  vocabSize: Math.max(a.vocabSize, b.vocabSize),
  maxPositions: Math.max(a.maxPositions, b.maxPositions),
});

/**
 * The needs of all parts together: the graphs of each, with the image encoder counted once, and batches of the largest
 * sizes.
 * @param images the part whose image graph is loaded
 */
export const memoryOfParts = (images: MemoryNeeds, others: readonly MemoryNeeds[]): MemoryNeeds =>
  others.reduce(
    (sum, { config, shapes, graphs }) => ({
      ...sum,
      config: { ...sum.config, text: larger(sum.config.text, config.text) },
      shapes: [...sum.shapes, ...shapes],
      graphs: [...sum.graphs, ...graphs.filter(({ role }) => role !== "image")],
    }),
    images,
  );
