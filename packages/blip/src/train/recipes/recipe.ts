// The fields of a recipe, for a run and for each of its phases.
import type { AugmentOptions } from "../data/options.ts";
import type { Freeze } from "../optimizer/groups.ts";
import type { LossWeights } from "./losses.ts";
import type { Recipe, RecipeName } from "./presets.ts";

/** Replacements of recipe values. */
export type RecipeOverrides = { readonly [Name in keyof Recipe]?: Recipe[Name] | undefined };

/** The values that may differ between phases. */
export interface PhaseRecipe extends RecipeOverrides {
  /** The number of updates, instead of `epochs`. */
  readonly steps?: number | undefined;
  /** Batches whose gradients add up to one step. Default: 1. */
  readonly accumulate?: number | undefined;
  /** The weights that are not trained. `null`: all weights are trained. */
  readonly freeze?: Freeze | null | undefined;
  /** Computes layers a second time in the backward pass: slower, with less memory. Default: false. */
  readonly recompute?: boolean | undefined;
  /** `true`: BLIP's augmentation. */
  readonly augment?: AugmentOptions | boolean | undefined;
  /** The prompt that captions begin with. */
  readonly prompt?: string | undefined;
  /** The share of multi-sentence captions that lose some sentences (`match`, `caption`, `pretrain`). Default: 0. */
  readonly shorten?: number | undefined;
  /**
   * ITM's negative text is an image's own false caption (`false_captions` of its row) instead of another image's
   * caption (`match`, `pretrain`). Rows without any keep BLIP's negatives. Default: false.
   */
  readonly falseCaptions?: boolean | undefined;
  /** The weight of each loss. Default: BLIP's, 1 each, without `patchNames`. */
  readonly losses?: LossWeights | undefined;
}

/** A custom recipe: the values of a preset, any of which may be replaced. */
export interface CustomRecipe extends PhaseRecipe {
  /** The preset of all values that are not given. Default: `blip`. */
  readonly base?: RecipeName | undefined;
  /** The side of the images, in pixels. Default: the model's own. */
  readonly imageSize?: number | undefined;
  /** Takes only the sizes and the vocabulary from the model; all weights begin at random. Default: false. */
  readonly init?: boolean | undefined;
  /** The seed of everything random. Default: 42. */
  readonly seed?: number | undefined;
  /** Batches per epoch, for data whose samples are not counted. */
  readonly batchesPerEpoch?: number | undefined;
  /** The names that patches may have, for the loss `patchNames`. */
  readonly patchNames?: PatchNames | undefined;
  /**
   * Phases in order, at least one. Each begins with the weights that the one before it would save as its result, with
   * new moments, momentum encoders and queue, and with its own schedule. Values that a phase lacks are the recipe's.
   */
  readonly phases?: readonly PhaseRecipe[] | undefined;
}

/** The names that patches of images may have. */
export interface PatchNames {
  /** K names, at least two. Rows give their patches by name, or by number from 0. */
  readonly names: readonly string[];
  /** The weight of each name [K]. Default: 1 each. */
  readonly weights?: readonly number[] | undefined;
}
