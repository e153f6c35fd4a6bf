// The classes of a platform. Each class loads a model by name and keeps it for many calls.
import type { OptionNames } from "@blip-ts/base";
import { expectCall } from "./expect-call.ts";
import { captionerOptionNames } from "./verbs/caption-types.ts";
import { ConditionalGeneration } from "./classes/conditional-generation.ts";
import { ImageTextRetrieval } from "./classes/image-text-retrieval.ts";
import { FeatureExtraction } from "./classes/model.ts";
import { NaturalLanguageVisualReasoning } from "./classes/nlvr.ts";
import { QuestionAnswering } from "./classes/question-answering.ts";
import { type ModelOptions, modelOptionNames } from "./load/model-options.ts";
import type { Platform } from "./platform.ts";
import { type ProcessorOptions, processorOptionNames } from "./processor/options.ts";
import { loadProcessor, type Processor } from "./processor/processor.ts";
import { Answerer } from "./verbs/ask.ts";
import { Blip, type BlipOptions, blipOptionNames } from "./verbs/blip/blip.ts";
import { Captioner, type CaptionerOptions } from "./verbs/caption.ts";
import { Comparer } from "./verbs/compare.ts";
import { Embedder } from "./verbs/embed.ts";
import { type VerbOptions, verbOptionNames } from "./verbs/image-batches.ts";
import { Matcher } from "./verbs/match.ts";
import { Retriever } from "./verbs/retrieve.ts";

/** Loads models of one class. */
export interface Pretrained<Model, Options> {
  /**
   * Loads a model: a folder, a weights file, `picture-book`, or a Hub id. Sessions are created on demand. Classes with
   * transformers' names follow the conventions `hf` by default, all other classes `blip`; `compat` selects others.
   * @param source the model's folder, file, URL or id
   * @param options all optional, with defaults: see the options of the class
   * @throws {ModelError} if the model cannot be found, read, or used for the class's task: `model/...`,
   * `checkpoint/...`, `hub/...`, `suite/...`, `adapter/...`, `tokenizer/...` (docs/errors.md)
   * @throws {UsageError} if an option is invalid: `usage/bad-option`, `usage/dtype`, `usage/memory-too-small`
   * @throws the signal's reason
   */
  fromPretrained(source: string, options?: Options): Promise<Model>;
}

/**
 * Creates a class with the function `fromPretrained`.
 * @param names the names of the options
 * @param load loads a model on the given platform
 */
function pretrained<Place, Model, Options extends object>(
  platform: Place,
  names: OptionNames<Options>,
  load: (platform: Place, source: string, options?: Options) => Promise<Model>,
): Pretrained<Model, Options> {
  return {
    async fromPretrained(source, options) {
      expectCall<object>("fromPretrained", source, options, names);
      return load(platform, source, options);
    },
  };
}

/** The classes of a platform with images of type `ImageInput`. */
export interface PlatformClasses<ImageInput> {
  /** Prepares images and texts for a model. */
  readonly BlipProcessor: Pretrained<Processor<ImageInput>, ProcessorOptions>;
  /** Image-text matching and contrastive similarity. */
  readonly BlipForImageTextRetrieval: Pretrained<ImageTextRetrieval, ModelOptions>;
  /** Captions images. */
  readonly BlipForConditionalGeneration: Pretrained<ConditionalGeneration, ModelOptions>;
  /** Answers questions, and ranks a list of answers. */
  readonly BlipForQuestionAnswering: Pretrained<QuestionAnswering, ModelOptions>;
  /** Judges statements about two images. */
  readonly BlipForNLVR: Pretrained<NaturalLanguageVisualReasoning, ModelOptions>;
  /** Computes features of images and texts. */
  readonly BlipModel: Pretrained<FeatureExtraction, ModelOptions>;
  /** A model for all tasks of its file. */
  readonly Blip: Pretrained<Blip<ImageInput>, BlipOptions>;
  /** Matches many images and texts. */
  readonly Matcher: Pretrained<Matcher<ImageInput>, VerbOptions>;
  /** Captions many images. */
  readonly Captioner: Pretrained<Captioner<ImageInput>, CaptionerOptions>;
  /** Answers many questions about many images. */
  readonly Answerer: Pretrained<Answerer<ImageInput>, VerbOptions>;
  /** Judges statements about pairs of images. */
  readonly Comparer: Pretrained<Comparer<ImageInput>, VerbOptions>;
  /** Embeds many images and texts. */
  readonly Embedder: Pretrained<Embedder<ImageInput>, VerbOptions>;
  /** Searches images by texts, or texts by images. */
  readonly Retriever: Pretrained<Retriever<ImageInput>, VerbOptions>;
}

/** Creates the classes of a platform. */
export function createClasses<ImageInput>(platform: Platform<ImageInput>): PlatformClasses<ImageInput> {
  return {
    BlipProcessor: pretrained(platform, processorOptionNames, loadProcessor<ImageInput>),
    BlipForImageTextRetrieval: pretrained(platform, modelOptionNames, (...of) =>
      ImageTextRetrieval.load(...of),
    ),
    BlipForConditionalGeneration: pretrained(platform, modelOptionNames, (...of) =>
      ConditionalGeneration.load(...of),
    ),
    BlipForQuestionAnswering: pretrained(platform, modelOptionNames, (...of) =>
      QuestionAnswering.load(...of),
    ),
    BlipForNLVR: pretrained(platform, modelOptionNames, (...of) =>
      NaturalLanguageVisualReasoning.load(...of),
    ),
    BlipModel: pretrained(platform, modelOptionNames, (...of) => FeatureExtraction.load(...of)),
    Blip: pretrained(platform, blipOptionNames, (...of) => Blip.load(...of)),
    Matcher: pretrained(platform, verbOptionNames, (...of) => Matcher.load(...of)),
    Captioner: pretrained(platform, captionerOptionNames, (...of) => Captioner.load(...of)),
    Answerer: pretrained(platform, verbOptionNames, (...of) => Answerer.load(...of)),
    Comparer: pretrained(platform, verbOptionNames, (...of) => Comparer.load(...of)),
    Embedder: pretrained(platform, verbOptionNames, (...of) => Embedder.load(...of)),
    Retriever: pretrained(platform, verbOptionNames, (...of) => Retriever.load(...of)),
  };
}
