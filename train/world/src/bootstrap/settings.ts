// The paper's table at small scale: its rows, and every size and rate that they share.
import { patchNames } from "../draw/patches.ts";
import { worlds } from "../scene/settings.ts";
import type { StemOptions } from "../stem.ts";

/**
 * What the noisy web set is made before a run is pre-trained on it: `a` nothing, `b` filtered, `c` captioned, `d` captioned
 * and filtered (CapFilt), `e` each image with a true caption, `beam` as `d` with captions of a beam search, `blind` as `e` with
 * every image the same grey, in the test as well: what words alone reach.
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

/** The order in which rows are made: what needs no other row comes as late as possible, the main comparison first. */
export const rowOrder: readonly RowName[] = ["a", "d", "e", "b", "c", "beam", "blind"];

/** A recipe file of `blip train`. */
export type Recipe = Readonly<Record<string, unknown>>;

export interface BootstrapSettings {
  readonly stem: StemOptions;
  /** Scenes of the noisy and of the clean set: one text each. */
  readonly web: number;
  readonly clean: number;
  /** Held-out scenes that rows are judged on, with five whole captions each. */
  readonly test: number;
  readonly pretrain: Recipe;
  readonly captioner: Recipe;
  readonly filter: Recipe;
  /** A text is kept from this probability on. */
  readonly threshold: number;
  /** How many of each ranking ITM looks at again. */
  readonly ranked: number;
}

const batchSize = 32;

/** Small models from scratch: a high rate that falls to nothing; no flips, since captions say left and right. */
const shared: Recipe = {
  ...{ base: "blip", batchSize, minLr: 0, schedule: "cosine", per: "step", warmUpFrom: 1e-6 },
  ...{ clip: 1, dropout: 0, augment: false },
};
/**
 * The temperature stays at 0.07: at these rates it falls to 0.01 within some hundred steps, and contrast's gradients are then
 * all that is left of the clipped ones (tried: norms of 20 to 1,000 instead of 1.5, and things that are never learned).
 * A momentum of 0.95 with a queue of 64 was tried too: contrast gets worse again after 100 steps.
 */
const contrast: Recipe = { queue: 1024, alpha: 0, momentum: 0.99, freeze: ["temp"] };

export const defaultSamples = 40_000;

const names = patchNames(worlds.small.concepts);
/**
 * What patches show is told of every image, in every row alike: an image encoder that begins at random learns too little of
 * 40,000 samples (tried: captions name 26 % of things with true captions). The paper's begins with ImageNet's weights.
 */
const patches: Recipe = {
  losses: { patchNames: 2 },
  // Most patches show nothing.
  patchNames: { names, weights: names.map((_, at) => (at === 0 ? 0.1 : 1)) },
};

/** @param samples that each pre-training sees; for fewer than 40,000, a try, all else is smaller too */
export function settingsFor(samples: number): BootstrapSettings {
  const share = Math.min(1, samples / defaultSamples);
  const part = (whole: number, least: number) => Math.max(least, Math.round(whole * share));
  const tuned = { steps: part(300, 2), lr: 5e-4, warmUp: part(20, 1) };
  return {
    stem: { imageSize: 64, patch: 8, width: 96, imageLayers: 4, textLayers: 2, projection: 64 },
    ...{ web: part(20_000, 64), clean: part(4_000, 64), test: part(500, 32) },
    pretrain: {
      ...{ ...shared, ...contrast, ...patches, init: true, steps: Math.ceil(samples / batchSize) },
      ...{ lr: 2e-3, warmUp: part(100, 1) },
    },
    captioner: { ...shared, ...tuned },
    filter: { ...shared, ...contrast, ...tuned },
    ...{ threshold: 0.5, ranked: 16 },
  };
}
