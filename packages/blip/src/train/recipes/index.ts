// Recipes: named presets and custom recipes.
export { checkedRecipe, readRecipe } from "./check.ts";
export { badRecipe, badTrainOption } from "./errors.ts";
export { checkLosses, lossesOf, lossNames, type LossName, type LossWeights } from "./losses.ts";
export {
  loraRate,
  recipeNamed,
  recipeNames,
  recipeOptionNames,
  scaledRate,
  scheduleOf,
  type Recipe,
  type RecipeName,
} from "./presets.ts";
export type { CustomRecipe, PatchNames, PhaseRecipe, RecipeOverrides } from "./recipe.ts";
