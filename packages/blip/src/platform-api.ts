// The entry `blip-ts/platform`: what a platform of one's own is made of (files, image decoder, engine), and `createApi`, which
// binds the classes and functions to it. The types here are those of any platform; `blip-ts` has them for its own.
export { createApi } from "./create-api.ts";
/** What a platform does for the isomorphic code. */
export type { Platform } from "./platform.ts";
/** How an image is decoded, and what comes of it. */
export type { DecodeOptions, ResizedSize } from "./image/decode-options.ts";
export type { PillowOrder } from "./image/resize-bicubic.ts";
export type { RgbImage } from "./image/raw-image.ts";
/** Files of a model, folders that are written, and weights that are kept in another type. */
export type {
  AdapterFiles,
  DerivedWeights,
  FolderWriter,
  ModelFiles,
  SideFile,
  SuiteFiles,
} from "./files.ts";
/** The engine: what loads models and runs them, and the devices that it offers. */
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
/** The engine's own matrix product, which measurements are compared with. */
export { MatrixProduct, type MatrixProductOptions } from "@blip-ts/engine";
/** What `createApi` gives, by the classes' own names. */
export type { PlatformClasses, Pretrained } from "./create-classes.ts";
/** The classes with transformers' names. */
export type { Processor } from "./processor/processor.ts";
export type { ImageTextRetrieval } from "./classes/image-text-retrieval.ts";
export type { ConditionalGeneration } from "./classes/conditional-generation.ts";
export type { QuestionAnswering } from "./classes/question-answering.ts";
export type { NaturalLanguageVisualReasoning } from "./classes/nlvr.ts";
export type { FeatureExtraction } from "./classes/model.ts";
/** A model of several tasks, and those of one task. */
export type { Blip } from "./verbs/blip/blip.ts";
export type { BlipImage } from "./verbs/blip/blip-image.ts";
export type { Matcher } from "./verbs/match.ts";
export type { Captioner } from "./verbs/caption.ts";
export type { Answerer } from "./verbs/ask.ts";
export type { Comparer } from "./verbs/compare.ts";
export type { Embedder } from "./verbs/embed.ts";
export type { Retriever } from "./verbs/retrieve.ts";
