// The entry for pages: the platform-independent package with URLs, the browser's decoders and Cache, and
// onnxruntime-web.
import { expectOptions } from "@blip-ts/base";
import {
  MatrixProduct as EngineProduct,
  matrixProductOptionNames,
  type MatrixProductOptions,
} from "@blip-ts/engine";
import { createApi } from "./create-api.ts";
import type * as api from "./platform-api.ts";
import type { ImageInput } from "./platform/web/decode-image.ts";
import { webPlatform } from "./platform/web/web-platform.ts";

export * from "./index.ts";
export type { ImageInput } from "./platform/web/decode-image.ts";
/** Sets the addresses of a page's files. */
export { configure, type WebSettings } from "./platform/web/settings.ts";
export type { WasmPaths } from "@blip-ts/engine/web";
/** Deletes the checkpoints in the browser's Cache. */
export { clearCache } from "./platform/web/file-cache.ts";

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
} = createApi<ImageInput>(webPlatform, (url) => url);

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

/** A matrix product of this page's engine: the highest rate at which a network can run. */
export type MatrixProduct = EngineProduct;
export const MatrixProduct = {
  async load(options?: MatrixProductOptions): Promise<MatrixProduct> {
    expectOptions("MatrixProduct.load", options, matrixProductOptionNames);
    return EngineProduct.load(webPlatform, options);
  },
};

/** Node-only functions, which throw in pages, so that the same source builds for both. */
export { evaluate, int8Products, readAnswerList } from "./platform/web/node-only.ts";
export type { Int8Products } from "@blip-ts/engine";
export {
  type EvaluateOptions,
  type EvaluationData,
  type EvaluationProgress,
  type EvaluationTask,
  evaluationTasks,
  type FailedExample,
} from "./evaluate/options.ts";
export type { Compared, EvaluationReport, Results } from "./evaluate/report.ts";
