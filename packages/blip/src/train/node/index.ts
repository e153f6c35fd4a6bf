// The entry `blip-ts/train`: training and fine-tuning in Node.
export { createTrainingData, type NodeTrainingDataOptions } from "./create-training-data.ts";
/** Trains or fine-tunes a model for a task. */
export { train, type NodeTrainOptions } from "./train.ts";
export {
  /** BLIP's numbers for a task, or those for few samples. */
  recipeNamed,
  recipeNames,
  /** The learning rate for a step of other than the reference's samples. */
  scaledRate,
  type EpochReport,
  type LoraOptions,
  type Recipe,
  type RecipeName,
  type RecipeOverrides,
  type RunPlan,
  type StepReport,
  type TrainOptions,
  type TrainReport,
} from "../run/index.ts";
export { trainingTasks, type TrainingData, type TrainingTask } from "../data/index.ts";
