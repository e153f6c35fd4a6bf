// The entry `blip-ts/train`: training and fine-tuning in Node.
export { createTrainingData, type NodeTrainingDataOptions } from "./create-training-data.ts";
/** Trains or fine-tunes a model for a task. */
export { train, type NodeTrainOptions } from "./train.ts";
export {
  /** BLIP's hyper-parameters for a task, or those for few samples. */
  metricNames,
  recipeNamed,
  recipeNames,
  /** Scales a learning rate to a number of samples per step other than the reference's. */
  scaledRate,
  type CustomRecipe,
  type EpochReport,
  type Freeze,
  type LoraOptions,
  type LossName,
  type LossWeights,
  type Metrics,
  type PatchNames,
  type PhaseRecipe,
  type Recipe,
  type RecipeName,
  type RecipeOverrides,
  type RunPlan,
  type StepReport,
  type TrainOptions,
  type TrainReport,
  type ValidationOptions,
  type ValidationProgress,
  type ValidationReport,
} from "../run/index.ts";
export { trainingTasks, type DataIdentity, type TrainingData, type TrainingTask } from "../data/index.ts";
export {
  capfilt,
  /** The two halves of `capfilt`, for the caller's own rows. */
  captionImages,
  filterPairs,
  type NodeCapFiltOptions,
} from "./capfilt.ts";
export {
  outputFormats,
  type CapFiltOptions,
  type CapFiltProgress,
  type CapFiltReport,
  type CaptionImagesOptions,
  type FilteredPairs,
  type FilterPairsOptions,
  type ImageToCaption,
  type OutputFormat,
  type PairsToFilter,
  type RowWith,
  type SyntheticCaption,
  type TextReport,
} from "../../capfilt/index.ts";
