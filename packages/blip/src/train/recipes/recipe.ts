// What a recipe may say, of a run and of each of its phases.
import type { AugmentOptions } from "../data/options.ts";
import type { Freeze } from "../optimizer/groups.ts";
import type { LossWeights } from "./losses.ts";
import type { Recipe, RecipeName } from "./presets.ts";

/** Recipe values that are replaced. */
export type RecipeOverrides = { readonly [Name in keyof Recipe]?: Recipe[Name] | undefined };

/** What may differ from phase to phase. */
export interface PhaseRecipe extends RecipeOverrides {
  /** Updates, instead of `epochs`. */
  readonly steps?: number | undefined;
  /** Batches whose gradients are added up to one step. Default: 1. */
  readonly accumulate?: number | undefined;
  /** What is not trained; `null`: everything is. */
  readonly freeze?: Freeze | null | undefined;
  /** Computes layers a second time in the backward pass: slower, in less memory. Default: false. */
  readonly recompute?: boolean | undefined;
  /** `true`: BLIP's augmentation. */
  readonly augment?: AugmentOptions | boolean | undefined;
  /** What captions begin with. */
  readonly prompt?: string | undefined;
  /** The share of captions of several sentences of which some are left out (`match`, `caption`, `pretrain`). Default 0. */
  readonly shorten?: number | undefined;
  /**
   * ITM tells an image's own false caption (`false_captions` of its row) from a true one, in place of another image's
   * caption (`match`, `pretrain`). Rows without any keep BLIP's negatives. Default: false.
   */
  readonly falseCaptions?: boolean | undefined;
  /** The weight of each loss: BLIP's 1 each, and no `patchNames`, unless told. */
  readonly losses?: LossWeights | undefined;
}

/** A recipe of one's own: a preset's values, of which any may be replaced. */
export interface CustomRecipe extends PhaseRecipe {
  /** The preset that has all values that are not given. Default `blip`. */
  readonly base?: RecipeName | undefined;
  /** Side of the images, in pixels. Default: the model's own. */
  readonly imageSize?: number | undefined;
  /** Takes only sizes and vocabulary of the model: all weights begin at random. Default: false. */
  readonly init?: boolean | undefined;
  /** Decides about everything random. Default: 42. */
  readonly seed?: number | undefined;
  /** Batches of an epoch, for data whose samples are not counted. */
  readonly batchesPerEpoch?: number | undefined;
  /** What a patch may show, for the loss `patchNames`. */
  readonly patchNames?: PatchNames | undefined;
  /**
   * Runs one after another, at least one. Each begins with the weights that the one before it would leave as its result,
   * with new moments, momentum encoders and queue, and a schedule of its own. Values that a phase does not have are the
   * recipe's.
   */
  readonly phases?: readonly PhaseRecipe[] | undefined;
}

/** What patches of images may show. */
export interface PatchNames {
  /** K names, at least two: rows name their patches by them, or by their numbers from 0. */
  readonly names: readonly string[];
  /** How much each name counts [K]. Default: 1 each. */
  readonly weights?: readonly number[] | undefined;
}
