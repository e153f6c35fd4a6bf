// Training data: the types that trainers use, and the function that opens it on any platform.
export { augmentations, type Augmentation } from "./augment/random-augment.ts";
export type { AutoContrast } from "./augment/tones.ts";
export {
  type BatchByTask,
  type BatchesOptions,
  type CaptionBatch,
  type MatchBatch,
  type NlvrBatch,
  type PretrainBatch,
  type SkippedSample,
  type TrainingBatch,
  type TrainingData,
  type TrainingDataStats,
  type TrainingPosition,
  type TrainingTask,
  trainingTasks,
  type VqaBatch,
} from "./batch.ts";
export type { DataIdentity } from "./identity.ts";
export type { ReaderTask } from "./items.ts";
export { type DecodeSource, type ImagePlan, inProcessLoader, type SampleLoader } from "./load-sample.ts";
export type { AugmentOptions, TrainingDataOptions } from "./options.ts";
export { permutation, philox, Random, type RandomAddress } from "./random.ts";
export { type DataParts, openTrainingData } from "./training-data.ts";
