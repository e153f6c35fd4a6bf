// The exports of training runs.
export {
  badTrainOption,
  recipeNamed,
  recipeNames,
  scaledRate,
  type CustomRecipe,
  type LossName,
  type LossWeights,
  type PatchNames,
  type PhaseRecipe,
  type Recipe,
  type RecipeName,
  type RecipeOverrides,
} from "../recipes/index.ts";
export type { EpochReport, RunPlan, StepReport, TrainOptions, ValidationReport } from "./options.ts";
export type { Freeze } from "../optimizer/groups.ts";
export type { LoraOptions } from "../lora/index.ts";
export type { Settings } from "./settings.ts";
export { runTraining, type RunParts, type TrainReport } from "./run.ts";
export type { ValidationOptions } from "./validation-options.ts";
export {
  metricNames,
  type Measure,
  type MeasureOptions,
  type Metrics,
  type ValidationProgress,
} from "./validation.ts";
