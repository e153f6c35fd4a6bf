// The entry for pages: the isomorphic package wired to URLs, the browser's decoders and Cache, and onnxruntime-web.
import { createApi } from "./create-api.ts";
import type { ImageInput } from "./platform/web/decode-image.ts";
import { webPlatform } from "./platform/web/web-platform.ts";
import type { Answerer as AnswererOn } from "./verbs/ask.ts";
import type { Captioner as CaptionerOn } from "./verbs/caption.ts";
import type { Comparer as ComparerOn } from "./verbs/compare.ts";
import type { ConditionalGeneration } from "./classes/conditional-generation.ts";
import type { Embedder as EmbedderOn } from "./verbs/embed.ts";
import type { FeatureExtraction } from "./classes/model.ts";
import type { ImageTextRetrieval } from "./classes/image-text-retrieval.ts";
import type { Matcher as MatcherOn } from "./verbs/match.ts";
import type { NaturalLanguageVisualReasoning } from "./classes/nlvr.ts";
import type { Processor } from "./processor/processor.ts";
import type { QuestionAnswering } from "./classes/question-answering.ts";
import type { Retriever as RetrieverOn } from "./verbs/retrieve.ts";

export * from "./index.ts";
export type { ImageInput } from "./platform/web/decode-image.ts";
/** Where a page's files are. */
export { configure, type WebSettings } from "./platform/web/settings.ts";
export type { WasmPaths } from "@blip-ts/engine/web";
/** Throws away what the browser's Cache keeps of checkpoints. */
export { clearCache } from "./platform/web/file-cache.ts";

const wired = createApi<ImageInput>(webPlatform, (url) => url);

/** Pictures and texts as a model reads them; called as `await processor(image, text)`. */
export type BlipProcessor = Processor<ImageInput>;
export const BlipProcessor = wired.BlipProcessor;

/** Image-text matching and contrast, as transformers' class of this name. */
export type BlipForImageTextRetrieval = ImageTextRetrieval;
export const BlipForImageTextRetrieval = wired.BlipForImageTextRetrieval;

/** Captions, as transformers' class of this name. */
export type BlipForConditionalGeneration = ConditionalGeneration;
export const BlipForConditionalGeneration = wired.BlipForConditionalGeneration;

/** Answers to questions, as transformers' class of this name, and BLIP's ranking of a list of answers. */
export type BlipForQuestionAnswering = QuestionAnswering;
export const BlipForQuestionAnswering = wired.BlipForQuestionAnswering;

/** NLVR2: statements about two pictures (models/blip_nlvr.py). */
export type BlipForNLVR = NaturalLanguageVisualReasoning;
export const BlipForNLVR = wired.BlipForNLVR;

/** Features of pictures and texts, as transformers' class of this name; from files of matching as well. */
export type BlipModel = FeatureExtraction;
export const BlipModel = wired.BlipModel;

/** A matching model with its processor, for many pictures and many texts. */
export type Matcher = MatcherOn<ImageInput>;
export const Matcher = wired.Matcher;

/** A captioning model with its processor, for many pictures. */
export type Captioner = CaptionerOn<ImageInput>;
export const Captioner = wired.Captioner;

/** A question-answering model with its processor, for many pictures and questions. */
export type Answerer = AnswererOn<ImageInput>;
export const Answerer = wired.Answerer;

/** An NLVR2 model with its processor. */
export type Comparer = ComparerOn<ImageInput>;
export const Comparer = wired.Comparer;

/** A model of features with its processor, for many pictures and texts. */
export type Embedder = EmbedderOn<ImageInput>;
export const Embedder = wired.Embedder;

/** A matching model with its processor, for searching. */
export type Retriever = RetrieverOn<ImageInput>;
export const Retriever = wired.Retriever;

// The functions: a model is loaded for one call. Their parameters are described in `create-verbs.ts` and `create-api.ts`.
/** Scores every picture with every text. */
export const match = wired.match;
/** Captions pictures. */
export const caption = wired.caption;
/** Answers every question about every picture. */
export const ask = wired.ask;
/** Judges statements about a left and a right picture. */
export const compare = wired.compare;
/** Pictures and texts as vectors of one space, or as all their states. */
export const embed = wired.embed;
/** Searches pictures by texts, or texts by pictures. */
export const retrieve = wired.retrieve;
/** What a model's files hold, before any weight is read. */
export const inspect = wired.inspect;
/** The graphs of a task as they are run, printed. */
export const printTask = wired.printTask;
/** Any checkpoint to a Hugging Face folder. */
export const convert = wired.convert;
/** Models of several tasks as one folder, a suite, which shares their image encoder. */
export const makeSuite = wired.makeSuite;
/** A task's graphs as ONNX files, with an `export.json` that says how to run them. */
export const exportOnnx = wired.exportOnnx;
/** A folder with half-precision or 8-bit weights. */
export const quantize = wired.quantize;
/** The published samples of one of Salesforce's models: expected, found, verdict. */
export const verify = wired.verify;
