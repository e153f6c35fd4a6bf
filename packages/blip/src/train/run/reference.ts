// What BLIP's own runs take from the size of their model, and the image size of their configuration files.
import type { Warning } from "@blip-ts/base";
import type { BlipConfig } from "../../model/config.ts";
import { blipImageSizes } from "../data/options.ts";
import type { CustomRecipe } from "../recipes/index.ts";
import { otherImageSize } from "./errors.ts";
import type { Settings } from "./settings.ts";

/** The widths of BLIP's image encoders: base and large. */
const [base, large] = [768, 1024];

/** The large image encoder always trains with this drop path (models/blip.py `create_vit`). */
const largeDropPath = 0.1;

/** The recipe with the values that follow from the model's size. A value of the recipe itself stays. */
export const recipeFor = ({ vision }: Pick<BlipConfig, "vision">, recipe: CustomRecipe): CustomRecipe =>
  vision.hiddenSize === large ? { dropPath: largeDropPath, ...recipe } : recipe;

/** The warning for a model of BLIP's sizes whose image size is not that of BLIP's recipe, if nobody chose a size. */
export function imageSizeWarnings(
  { vision }: Pick<BlipConfig, "vision">,
  { task, imageSize }: Pick<Settings, "task" | "imageSize">,
  recipe: CustomRecipe,
): readonly Warning[] {
  const isBlip = vision.hiddenSize === base || vision.hiddenSize === large;
  const usual = blipImageSizes[task];
  if (!isBlip || imageSize !== null || (recipe.base ?? "blip") !== "blip" || vision.imageSize === usual)
    return [];
  return [otherImageSize(task, usual, vision.imageSize)];
}
