// The Node entry: the platform-independent package with files, the Hub's cache, sharp and onnxruntime-node.
import {
  MatrixProduct as EngineProduct,
  type MatrixProductOptions,
  matrixProductOptionNames,
} from "@blip-ts/engine";
import { expectOptions } from "@blip-ts/base";
import { createApi } from "./create-api.ts";
import type * as api from "./platform-api.ts";
import type { ImageInput } from "./platform/node/decode-image.ts";
import { nodePlatform } from "./platform/node/node-platform.ts";

export * from "./index.ts";
export type { ImageInput } from "./platform/node/decode-image.ts";
/** Returns how this processor computes 8-bit products, measured with a small product once per process. */
export { int8Products } from "@blip-ts/engine/node";
export type { Int8Products } from "@blip-ts/engine";

// `create-verbs.ts` and `create-api.ts` document the functions' parameters and errors.
export const {
  /**
   * A model for all tasks of its file, with one set of weights and sessions; `blip.image(input)` holds an image for
   * several calls.
   */
  Blip,
  /** A matching model with its processor, for many images and many texts. */
  Matcher,
  /** A captioning model with its processor, for many images. */
  Captioner,
  /** A question-answering model with its processor, for many images and questions. */
  Answerer,
  /** An NLVR2 model with its processor. */
  Comparer,
  /** A feature model with its processor, for many images and texts. */
  Embedder,
  /** A matching model with its processor, for retrieval. */
  Retriever,
  /** Prepares images and texts for a model; called as `await processor(image, text)`. */
  BlipProcessor,
  /** Image-text matching and contrastive similarity, like transformers' class of this name. */
  BlipForImageTextRetrieval,
  /** Captions images, like transformers' class of this name. */
  BlipForConditionalGeneration,
  /** Answers questions, like transformers' class of this name, and ranks a list of answers like BLIP. */
  BlipForQuestionAnswering,
  /** NLVR2: judges statements about two images (models/blip_nlvr.py). */
  BlipForNLVR,
  /** Computes features of images and texts, like transformers' class of this name; also loads files for matching. */
  BlipModel,
  /** Scores every image-text pair, one row per pair. */
  match,
  /** Captions images, `numReturn` rows per image, best first. */
  caption,
  /** Answers every question about every image, freely or with the best of a list. */
  ask,
  /** Judges statements about a left and a right image. */
  compare,
  /** Embeds images and texts as vectors in a common space, or returns all their states. */
  embed,
  /** Searches images by texts, or texts by images. */
  retrieve,
  /** Describes a model's files without reading weights. */
  inspect,
  /** Prints the graphs that a task runs. */
  printTask,
  /** Converts any checkpoint to a Hugging Face folder. */
  convert,
  /** Combines models of several tasks in one folder, a suite, with a shared image encoder. */
  makeSuite,
  /** Exports a task's graphs as ONNX files, with an `export.json` that describes how to run them. */
  exportOnnx,
  /** Writes a folder with half-precision or 8-bit weights. */
  quantize,
  /**
   * Checks a Salesforce model against its published samples: expected value, actual value, verdict. Checks other models
   * as far as possible.
   */
  verify,
  /** Checks all published models in one report. */
  verifyAll,
} = createApi<ImageInput>(nodePlatform, (path) => path);

// The types of the loaded models.
export type Blip = api.Blip<ImageInput>;
export type Matcher = api.Matcher<ImageInput>;
export type Captioner = api.Captioner<ImageInput>;
export type Answerer = api.Answerer<ImageInput>;
export type Comparer = api.Comparer<ImageInput>;
export type Embedder = api.Embedder<ImageInput>;
export type Retriever = api.Retriever<ImageInput>;
export type BlipProcessor = api.Processor<ImageInput>;
export type BlipForImageTextRetrieval = api.ImageTextRetrieval;
export type BlipForConditionalGeneration = api.ConditionalGeneration;
export type BlipForQuestionAnswering = api.QuestionAnswering;
export type BlipForNLVR = api.NaturalLanguageVisualReasoning;
export type BlipModel = api.FeatureExtraction;
/** An image of `blip.image(input)`, whose states are cached until the image is closed. */
export type BlipImage = api.BlipImage<ImageInput>;

/** A matrix product of this machine's engine: the highest rate at which a network can run. */
export type MatrixProduct = EngineProduct;
export const MatrixProduct = {
  async load(options?: MatrixProductOptions): Promise<MatrixProduct> {
    expectOptions("MatrixProduct.load", options, matrixProductOptionNames);
    return EngineProduct.load(nodePlatform, options);
  },
};

/** Evaluates a model on a public data set: its metrics, and the published numbers beside them. */
export { evaluate, readAnswerList } from "./platform/node/evaluate/index.ts";
export {
  type EvaluateOptions,
  type EvaluationData,
  type EvaluationProgress,
  type EvaluationTask,
  evaluationTasks,
  type FailedExample,
} from "./evaluate/options.ts";
export type { Compared, EvaluationReport, Results } from "./evaluate/report.ts";

/** Page-only functions, which throw in Node, so that the same source builds for both. */
export { clearCache, configure } from "./platform/node/page-only.ts";
export type { WasmPaths, WebSettings } from "./page-settings.ts";
