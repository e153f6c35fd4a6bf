// What of training runs others use.
export { recipeNamed, recipeNames, scaledRate, type Recipe, type RecipeName } from "./recipes.ts";
export type { EpochReport, RecipeOverrides, RunPlan, Settings, StepReport, TrainOptions } from "./options.ts";
export type { LoraOptions } from "../lora/index.ts";
export { runTraining, type RunParts, type TrainReport } from "./run.ts";
