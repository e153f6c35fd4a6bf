// The classes of a platform: each loads a model by its name and keeps it for many calls.
import { ConditionalGeneration } from "./classes/conditional-generation.ts";
import { ImageTextRetrieval } from "./classes/image-text-retrieval.ts";
import { FeatureExtraction } from "./classes/model.ts";
import { NaturalLanguageVisualReasoning } from "./classes/nlvr.ts";
import { QuestionAnswering } from "./classes/question-answering.ts";
import type { ModelOptions } from "./load/model-options.ts";
import type { Platform } from "./platform.ts";
import type { ProcessorOptions } from "./processor/options.ts";
import { loadProcessor, type Processor } from "./processor/processor.ts";
import { Answerer } from "./verbs/ask.ts";
import { Blip, type BlipOptions } from "./verbs/blip/blip.ts";
import { Captioner, type CaptionerOptions } from "./verbs/caption.ts";
import { Comparer } from "./verbs/compare.ts";
import { Embedder } from "./verbs/embed.ts";
import type { VerbOptions } from "./verbs/image-batches.ts";
import { Matcher } from "./verbs/match.ts";
import { Retriever } from "./verbs/retrieve.ts";

/** What loads models of one class. */
export interface Pretrained<Model, Options> {
  /**
   * Loads a model: a folder, a weights file, `picture-book`, or a Hub id. Sessions are made when they are first needed.
   * The classes with transformers' names follow `hf`, the others `blip`, unless `compat` says otherwise.
   * @param source the model's folder, file, URL or id
   * @param options each has a default: see the options of the class
   * @throws {ModelError} if the model cannot be found, read, or used for the class's task: `model/...`, `checkpoint/...`,
   * `hub/...`, `suite/...`, `adapter/...`, `tokenizer/...` (docs/errors.md)
   * @throws {UsageError} if an option is wrong: `usage/bad-option`, `usage/dtype`, `usage/memory-too-small`
   * @throws the signal's reason
   */
  fromPretrained(source: string, options?: Options): Promise<Model>;
}

/** @param load loads a model on a platform, which is given here */
function pretrained<Place, Model, Options>(
  platform: Place,
  load: (platform: Place, source: string, options?: Options) => Promise<Model>,
): Pretrained<Model, Options> {
  return { fromPretrained: (source, options) => load(platform, source, options) };
}

/** The classes of a platform whose images are `ImageInput`. */
export interface PlatformClasses<ImageInput> {
  /** Images and texts as a model reads them. */
  readonly BlipProcessor: Pretrained<Processor<ImageInput>, ProcessorOptions>;
  /** Image-text matching and contrast. */
  readonly BlipForImageTextRetrieval: Pretrained<ImageTextRetrieval, ModelOptions>;
  /** Captions. */
  readonly BlipForConditionalGeneration: Pretrained<ConditionalGeneration, ModelOptions>;
  /** Answers to questions, and the ranking of a list of answers. */
  readonly BlipForQuestionAnswering: Pretrained<QuestionAnswering, ModelOptions>;
  /** Statements about two images. */
  readonly BlipForNLVR: Pretrained<NaturalLanguageVisualReasoning, ModelOptions>;
  /** Features of images and texts. */
  readonly BlipModel: Pretrained<FeatureExtraction, ModelOptions>;
  /** A model for every task that its file can do. */
  readonly Blip: Pretrained<Blip<ImageInput>, BlipOptions>;
  /** Matching, for many images and texts. */
  readonly Matcher: Pretrained<Matcher<ImageInput>, VerbOptions>;
  /** Captions, for many images. */
  readonly Captioner: Pretrained<Captioner<ImageInput>, CaptionerOptions>;
  /** Answers, for many images and questions. */
  readonly Answerer: Pretrained<Answerer<ImageInput>, VerbOptions>;
  /** Statements about pairs of images. */
  readonly Comparer: Pretrained<Comparer<ImageInput>, VerbOptions>;
  /** Features, for many images and texts. */
  readonly Embedder: Pretrained<Embedder<ImageInput>, VerbOptions>;
  /** Search, by texts or by images. */
  readonly Retriever: Pretrained<Retriever<ImageInput>, VerbOptions>;
}

/** The classes of a platform. */
export function createClasses<ImageInput>(platform: Platform<ImageInput>): PlatformClasses<ImageInput> {
  return {
    BlipProcessor: pretrained(platform, loadProcessor<ImageInput>),
    BlipForImageTextRetrieval: pretrained(platform, (...of) => ImageTextRetrieval.load(...of)),
    BlipForConditionalGeneration: pretrained(platform, (...of) => ConditionalGeneration.load(...of)),
    BlipForQuestionAnswering: pretrained(platform, (...of) => QuestionAnswering.load(...of)),
    BlipForNLVR: pretrained(platform, (...of) => NaturalLanguageVisualReasoning.load(...of)),
    BlipModel: pretrained(platform, (...of) => FeatureExtraction.load(...of)),
    Blip: pretrained(platform, (...of) => Blip.load(...of)),
    Matcher: pretrained(platform, (...of) => Matcher.load(...of)),
    Captioner: pretrained(platform, (...of) => Captioner.load(...of)),
    Answerer: pretrained(platform, (...of) => Answerer.load(...of)),
    Comparer: pretrained(platform, (...of) => Comparer.load(...of)),
    Embedder: pretrained(platform, (...of) => Embedder.load(...of)),
    Retriever: pretrained(platform, (...of) => Retriever.load(...of)),
  };
}
