// The paper's table at small scale: its rows, and the sizes and rates that they share.
import { patchNames } from "../draw/patches.ts";
import type { StemOptions } from "../stem.ts";

/**
 * The rows of the table. They differ in the processing of the noisy web set before pre-training.
 * - `a`: none.
 * - `b`: filtered.
 * - `c`: captioned.
 * - `d`: captioned and filtered (CapFilt).
 * - `e`: each image with a true caption.
 * - `beam`: as `d`, with captions from beam search.
 * - `blind`: as `e`, with every image the same grey, also in the test. It shows the score from words alone.
 */
export const rowNames = ["a", "b", "c", "d", "e", "beam", "blind"] as const;
export type RowName = (typeof rowNames)[number];

export const rowTitles: Readonly<Record<RowName, string>> = {
  a: "web texts as they are",
  b: "filter only",
  c: "captioner only",
  d: "captioner and filter",
  e: "true captions (ceiling)",
  beam: "captioner (beams) and filter",
  blind: "true captions of grey images",
};

/** The order in which rows are made: the main comparison first, then the other rows. */
export const rowOrder: readonly RowName[] = ["a", "d", "e", "b", "c", "beam", "blind"];

/** A recipe file of `blip train`. */
export type Recipe = Readonly<Record<string, unknown>>;

export interface BootstrapSettings {
  readonly stem: StemOptions;
  /** The numbers of scenes in the noisy and in the clean set; each scene has one text. */
  readonly web: number;
  readonly clean: number;
  /** The number of scenes from which the image encoder learns before any row. */
  readonly encoderScenes: number;
  /** The number of held-out test scenes, each with five full captions. */
  readonly test: number;
  readonly encoder: Recipe;
  readonly pretrain: Recipe;
  readonly captioner: Recipe;
  readonly filter: Recipe;
  /** A text is kept from this probability on. */
  readonly threshold: number;
  /** The number of candidates per ranking that ITM re-ranks. */
  readonly ranked: number;
}

const batchSize = 32;

/**
 * Small models trained from scratch: a high rate that decays to zero, and no flips, because captions contain left and
 * right.
 */
const shared: Recipe = {
  ...{ base: "blip", batchSize, minLr: 0, schedule: "cosine", per: "step", warmUpFrom: 1e-6 },
  ...{ clip: 1, dropout: 0, augment: false },
};
/**
 * The settings of contrast. The temperature is frozen at 0.07. At these rates it would fall to 0.01 within some hundred
 * steps, and contrast would dominate the clipped gradients (tried: norms of 20 to 1,000 instead of 1.5, and things that
 * are never learned). docs/bootstrapping.md has the trials of queue and momentum.
 */
const contrast: Recipe = { queue: 512, alpha: 0, momentum: 0.98, freeze: ["temp"] };

export const defaultSamples = 40_000;

// Most patches show nothing.
const patches: Recipe = {
  patchNames: { names: patchNames, weights: patchNames.map((_, at) => (at === 0 ? 0.1 : 1)) },
};

/**
 * Every row of a seed starts from the same image encoder, which has learned to name the patches of other images, as the
 * paper's starts from ImageNet weights; the text models start at random. From a random image encoder, 40,000 samples
 * with noisy texts teach ITM nothing (docs/bootstrapping.md).
 * @param samples the number that each pre-training sees; below 40,000, all other sizes shrink too, for a trial run
 */
export function settingsFor(samples: number): BootstrapSettings {
  const share = Math.min(1, samples / defaultSamples);
  const part = (whole: number, least: number) => Math.max(least, Math.round(whole * share));
  const tuned = { steps: part(1000, 2), lr: 1e-3, warmUp: part(50, 1) };
  return {
    stem: { imageSize: 64, patch: 8, width: 96, imageLayers: 4, textLayers: 2, projection: 64 },
    ...{ web: part(20_000, 64), clean: part(4_000, 64), test: part(500, 32) },
    encoderScenes: part(24_000, 128),
    encoder: {
      ...{ ...shared, ...patches },
      ...{ init: true, batchSize: 64, steps: part(1000, 2), lr: 2e-3, warmUp: part(100, 1) },
      losses: { itc: 0, itm: 0, lm: 0, patchNames: 1 },
    },
    pretrain: {
      ...{ ...shared, ...contrast, ...patches, steps: Math.ceil(samples / batchSize) },
      ...{ lr: 1e-3, warmUp: part(100, 1), losses: { itc: 1, itm: 1, lm: 1, patchNames: 2 } },
    },
    captioner: { ...shared, ...tuned },
    filter: { ...shared, ...contrast, ...tuned, losses: { itc: 0.5, itm: 2 } },
    ...{ threshold: 0.5, ranked: 16 },
  };
}
