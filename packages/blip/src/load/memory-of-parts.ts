// The memory needs of several loaded parts that share an image encoder.
import type { TextConfig } from "../model/config.ts";
import type { MemoryNeeds } from "./memory-plan.ts";

/** Returns a text configuration whose every size is the larger of the two. */
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
 * Combines the memory needs of all parts: counts the graphs of each part, the image encoder once, and batches of the
 * largest sizes.
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
