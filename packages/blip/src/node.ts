// The entry for Node: the isomorphic package wired to files, the Hub's cache, sharp and onnxruntime-node.
import { MatrixProduct as EngineProduct, type MatrixProductOptions } from "@blip-ts/engine";
import { createApi } from "./create-api.ts";
import type * as api from "./platform-api.ts";
import type { ImageInput } from "./platform/node/decode-image.ts";
import { nodePlatform } from "./platform/node/node-platform.ts";

export * from "./index.ts";
export type { ImageInput } from "./platform/node/decode-image.ts";
/** How products of 8-bit numbers are computed on this processor, which a small one shows once a process. */
export { int8Products } from "@blip-ts/engine/node";
export type { Int8Products } from "@blip-ts/engine";
/** A page's settings and its Cache, for modules that a page shares with a server. */
export { clearCache, configure, type WasmPaths, type WebSettings } from "./platform/node/page-settings.ts";

// Parameters and errors of the functions are described in `create-verbs.ts` and `create-api.ts`.
export const {
  /** A model for every task that its file can do, over one set of weights and sessions; `blip.image(input)` holds an image for several calls. */
  Blip,
  /** A matching model with its processor, for many images and many texts. */
  Matcher,
  /** A captioning model with its processor, for many images. */
  Captioner,
  /** A question-answering model with its processor, for many images and questions. */
  Answerer,
  /** An NLVR2 model with its processor. */
  Comparer,
  /** A model of features with its processor, for many images and texts. */
  Embedder,
  /** A matching model with its processor, for searching. */
  Retriever,
  /** Images and texts as a model reads them; called as `await processor(image, text)`. */
  BlipProcessor,
  /** Image-text matching and contrast, as transformers' class of this name. */
  BlipForImageTextRetrieval,
  /** Captions, as transformers' class of this name. */
  BlipForConditionalGeneration,
  /** Answers to questions, as transformers' class of this name, and BLIP's ranking of a list of answers. */
  BlipForQuestionAnswering,
  /** NLVR2: statements about two images (models/blip_nlvr.py). */
  BlipForNLVR,
  /** Features of images and texts, as transformers' class of this name; from files of matching as well. */
  BlipModel,
  /** Scores every image with every text: a row per pair. */
  match,
  /** Captions images: `numReturn` rows per image, best first. */
  caption,
  /** Answers every question about every image, freely or with the best of a list. */
  ask,
  /** Judges statements about a left and a right image. */
  compare,
  /** Images and texts as vectors of one space, or as all their states. */
  embed,
  /** Searches images by texts, or texts by images. */
  retrieve,
  /** What a model's files hold, before any weight is read. */
  inspect,
  /** The graphs of a task as they are run, printed. */
  printTask,
  /** Any checkpoint to a Hugging Face folder. */
  convert,
  /** Models of several tasks as one folder, a suite, which shares their image encoder. */
  makeSuite,
  /** A task's graphs as ONNX files, with an `export.json` that says how to run them. */
  exportOnnx,
  /** A folder with half-precision or 8-bit weights. */
  quantize,
  /** The published samples of one of Salesforce's models: expected, found, verdict; another model is checked. */
  verify,
  /** All published models in one report. */
  verifyAll,
} = createApi<ImageInput>(nodePlatform, (path) => path);

// The types of what the classes load.
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
/** An image of `blip.image(input)`, whose states are kept until it is closed. */
export type BlipImage = api.BlipImage<ImageInput>;

/** A matrix product of this machine's engine: the rate at which a network can run at best. */
export type MatrixProduct = EngineProduct;
export const MatrixProduct = {
  load: (options?: MatrixProductOptions): Promise<MatrixProduct> => EngineProduct.load(nodePlatform, options),
};

/** A model on a data set of the field: metrics, and the published numbers beside them. */
export { type EvaluationData, evaluate, readAnswerList } from "./platform/node/evaluate/index.ts";
export {
  type EvaluateOptions,
  type EvaluationProgress,
  type EvaluationTask,
  evaluationTasks,
  type FailedExample,
} from "./evaluate/options.ts";
export type { Compared, EvaluationReport, Results } from "./evaluate/report.ts";
