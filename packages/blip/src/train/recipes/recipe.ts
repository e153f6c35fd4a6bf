// The fields of a recipe, for a run and for each of its phases.
import type { AugmentOptions } from "../data/options.ts";
import type { Freeze } from "../optimizer/groups.ts";
import type { LossWeights } from "./losses.ts";
import type { Recipe, RecipeName } from "./presets.ts";

/** Values that override those of a recipe. */
export type RecipeOverrides = { readonly [Name in keyof Recipe]?: Recipe[Name] | undefined };

/** The values that may differ between phases. */
export interface PhaseRecipe extends RecipeOverrides {
  /** The number of updates, instead of `epochs`. */
  readonly steps?: number | undefined;
  /** The number of batches whose gradients are added up per step. Default: 1. */
  readonly accumulate?: number | undefined;
  /** The weights that are not trained. `null`: all weights are trained. */
  readonly freeze?: Freeze | null | undefined;
  /** Recomputes layers in the backward pass: slower, but needs less memory. Default: false. */
  readonly recompute?: boolean | undefined;
  /** `true`: BLIP's augmentation. */
  readonly augment?: AugmentOptions | boolean | undefined;
  /** The prompt that captions begin with. */
  readonly prompt?: string | undefined;
  /** The share of multi-sentence captions that lose some sentences (`match`, `caption`, `pretrain`). Default: 0. */
  readonly shorten?: number | undefined;
  /**
   * Whether ITM's negative text is the image's own false caption (`false_captions` of its row) instead of another
   * image's caption (`match`, `pretrain`). Rows without false captions use BLIP's negatives. Default: false.
   */
  readonly falseCaptions?: boolean | undefined;
  /** The weight of each loss. Default: as in BLIP, 1 each, without `patchNames`. */
  readonly losses?: LossWeights | undefined;
}

/** A custom recipe: a preset, and values that override it. */
export interface CustomRecipe extends PhaseRecipe {
  /** The preset that provides all values that are not given. Default: `blip`. */
  readonly base?: RecipeName | undefined;
  /** The side of the images, in pixels. Default: the model's own. */
  readonly imageSize?: number | undefined;
  /** Uses only the sizes and the vocabulary of the model, with random initial weights. Default: false. */
  readonly init?: boolean | undefined;
  /** The seed of all random numbers. Default: 42. */
  readonly seed?: number | undefined;
  /** The number of batches after which an epoch ends. Default: one pass over the data. Streams need it. */
  readonly batchesPerEpoch?: number | undefined;
  /**
   * The names that patches may have, for the loss `patchNames`. In a recipe's file, `names` may be the path of a JSON
   * list, relative to that file. Default: none.
   */
  readonly patchNames?: PatchNames | undefined;
  /**
   * The phases in order, at least one. Each phase begins with the result of the previous phase, with new moments,
   * momentum encoders and queue, and with its own schedule. The recipe provides the values that a phase lacks.
   */
  readonly phases?: readonly PhaseRecipe[] | undefined;
}

/** The names that patches of images may have. */
export interface PatchNames {
  /** K names, at least two. Rows label their patches by name, or by number from 0. */
  readonly names: readonly string[];
  /** The weight of each name [K]. Default: 1 each. */
  readonly weights?: readonly number[] | undefined;
}
