// The sizes of a network of one layer, for tests of objectives.
import type { BlipConfig } from "../../src/model/config.ts";

export const objectiveConfig: BlipConfig = {
  vision: {
    ...{ hiddenSize: 6, layers: 1, heads: 2, intermediateSize: 8 },
    ...{ imageSize: 8, patchSize: 4, layerNormEps: 1e-6 },
  },
  text: {
    ...{ hiddenSize: 8, layers: 1, heads: 2, intermediateSize: 12 },
    ...{ vocabSize: 23, maxPositions: 6, layerNormEps: 1e-12 },
  },
  jointEmbedding: 4,
};
