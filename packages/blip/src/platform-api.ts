// The entry `blip-ts/platform`: types for a custom platform (files, image decoder, engine), and `createApi`, which
// creates the classes and functions of that platform. The types here fit any platform; `blip-ts` exports the types of
// its own platform.
export { createApi } from "./create-api.ts";
/** The services that a platform provides. */
export type { Platform } from "./platform.ts";
/** Options and results of decoding an image. */
export type { DecodeOptions, ResizedSize } from "./image/decode-options.ts";
export type { PillowOrder } from "./image/resize-bicubic.ts";
export type { RgbImage } from "./image/raw-image.ts";
/** A model's files, folders to write, and cached weights of another type. */
export type {
  AdapterFiles,
  DerivedWeights,
  FolderWriter,
  ModelFiles,
  SideFile,
  SuiteFiles,
} from "./files.ts";
/** The engine, which loads and runs models, and its devices. */
export type {
  Engine,
  EngineModel,
  EnginePlatform,
  EngineSession,
  ExternalBytes,
  Feeds,
  RetainedOutputs,
  PlatformDevice,
  ResidentTensor,
  RunOptions,
  SessionOptions,
} from "@blip-ts/engine";
/** A matrix product of the engine, as a reference for measurements. */
export { MatrixProduct, type MatrixProductOptions } from "@blip-ts/engine";
/** The classes that `createApi` returns. */
export type { PlatformClasses, Pretrained } from "./create-classes.ts";
/** The classes with transformers' names. */
export type { Processor } from "./processor/processor.ts";
export type { ImageTextRetrieval } from "./classes/image-text-retrieval.ts";
export type { ConditionalGeneration } from "./classes/conditional-generation.ts";
export type { QuestionAnswering } from "./classes/question-answering.ts";
export type { NaturalLanguageVisualReasoning } from "./classes/nlvr.ts";
export type { FeatureExtraction } from "./classes/model.ts";
/** A multi-task model, and models of one task. */
export type { Blip } from "./verbs/blip/blip.ts";
export type { BlipImage } from "./verbs/blip/blip-image.ts";
export type { Matcher } from "./verbs/match.ts";
export type { Captioner } from "./verbs/caption.ts";
export type { Answerer } from "./verbs/ask.ts";
export type { Comparer } from "./verbs/compare.ts";
export type { Embedder } from "./verbs/embed.ts";
export type { Retriever } from "./verbs/retrieve.ts";
