// What every platform's door offers, wired to a platform: the named classes and the functions. `node.ts` and `web.ts`
// call this and say nothing else.
import { closing } from "@blip-ts/base";
import type { Platform } from "./platform.ts";
import { Answerer as AnswererOn, type AnswerRow, type AskOptions } from "./verbs/ask.ts";
import {
  Captioner as CaptionerOn,
  type CaptionerOptions,
  type CaptionOptions,
  type CaptionRow,
} from "./verbs/caption.ts";
import { Comparer as ComparerOn, type CompareRow } from "./verbs/compare.ts";
import { ConditionalGeneration } from "./classes/conditional-generation.ts";
import {
  Embedder as EmbedderOn,
  type EmbedOptions,
  type ImageEmbedding,
  type TextEmbedding,
} from "./verbs/embed.ts";
import {
  exportOnnx as exportOnnxOn,
  type ExportDescription,
  type ExportOptions,
} from "./tools/export/export-onnx.ts";
import { FeatureExtraction } from "./classes/model.ts";
import { ImageTextRetrieval } from "./classes/image-text-retrieval.ts";
import { inspect as inspectOn, printTask as printTaskOn, type Inspection } from "./tools/inspect.ts";
import { Matcher as MatcherOn, type MatchOptions, type MatchRow } from "./verbs/match.ts";
import type { ModelOptions } from "./load/model-options.ts";
import { NaturalLanguageVisualReasoning } from "./classes/nlvr.ts";
import type { FailedRow, FailedText, VerbOptions } from "./verbs/image-batches.ts";
import { loadProcessor, type Processor } from "./processor/processor.ts";
import type { ProcessorOptions } from "./processor/options.ts";
import { quantize as quantizeOn, type QuantizeOptions } from "./tools/quantize.ts";
import { QuestionAnswering } from "./classes/question-answering.ts";
import {
  Retriever as RetrieverOn,
  type ImageRow,
  type RetrieveOptions,
  type TextRow,
} from "./verbs/retrieve.ts";
import type { Retrievable } from "./verbs/video.ts";
import { convert as convertOn, type Conversion, type ConvertOptions } from "./tools/convert.ts";
import { verify as verifyOn, type VerifyOptions, type VerifyRow } from "./tools/verify/verify.ts";

/** Which model a verb runs, and how far its call has come. */
export interface WithModel {
  /** A folder, a weights file, a Hub id, or `picture-book`, which is taken where nothing is said. */
  readonly model?: string | undefined;
  /** Called as pictures are done; `onProgress` is called while a model is fetched. */
  readonly onImages?: MatchOptions["onProgress"];
}

/** A verb's options: how its model is loaded, and those of its call. */
export type Options<Load, Call> = Load & Omit<Call, "onProgress" | "signal"> & WithModel;

const embedded = "picture-book";

async function all<Row>(rows: AsyncIterable<Row>): Promise<Row[]> {
  const list: Row[] = [];
  for await (const row of rows) list.push(row);
  return list;
}

/** The options of a call: progress is about its pictures. */
const callOptions = <O extends WithModel>({ onImages, ...options }: O) => ({
  ...options,
  onProgress: onImages,
});

type RetrieveCall = Options<VerbOptions, RetrieveOptions>;

/**
 * The classes and functions of a platform whose pictures are `ImageInput`.
 * @param fromPlace a picture by its path or URL
 */
export function door<ImageInput>(platform: Platform<ImageInput>, fromPlace: (place: string) => ImageInput) {
  const BlipProcessor = {
    /**
     * The processor of a model: a folder, a weights file, `picture-book`, or a Hub id.
     * @throws {ModelError} where the model cannot be found or its files cannot be used
     */
    fromPretrained: (source: string, options?: ProcessorOptions): Promise<Processor<ImageInput>> =>
      loadProcessor(platform, source, options),
  };

  const BlipForImageTextRetrieval = {
    /**
     * Loads a model for matching; sessions are made when they are first needed.
     * @throws {ModelError} where the model cannot be found, read, or used for matching
     */
    fromPretrained: (source: string, options?: ModelOptions): Promise<ImageTextRetrieval> =>
      ImageTextRetrieval.load(platform, source, options),
  };

  const BlipForConditionalGeneration = {
    /**
     * Loads a model for captions; sessions are made when they are first needed.
     * @throws {ModelError} where the model cannot be found, read, or used for captions
     */
    fromPretrained: (source: string, options?: ModelOptions): Promise<ConditionalGeneration> =>
      ConditionalGeneration.load(platform, source, options),
  };

  const BlipForQuestionAnswering = {
    /**
     * Loads a model for questions; sessions are made when they are first needed.
     * @throws {ModelError} where the model cannot be found, read, or used for questions
     */
    fromPretrained: (source: string, options?: ModelOptions): Promise<QuestionAnswering> =>
      QuestionAnswering.load(platform, source, options),
  };

  const BlipForNLVR = {
    /**
     * Loads a model for NLVR2; sessions are made when they are first needed.
     * @throws {ModelError} where the model cannot be found, read, or used for NLVR2
     */
    fromPretrained: (source: string, options?: ModelOptions): Promise<NaturalLanguageVisualReasoning> =>
      NaturalLanguageVisualReasoning.load(platform, source, options),
  };

  const BlipModel = {
    /**
     * Loads a model for features; sessions are made when they are first needed.
     * @throws {ModelError} where the model cannot be found, read, or used for features
     */
    fromPretrained: (source: string, options?: ModelOptions): Promise<FeatureExtraction> =>
      FeatureExtraction.load(platform, source, options),
  };

  const Matcher = {
    /** `blip`'s conventions unless told. @throws {ModelError} where the model cannot be used for matching */
    fromPretrained: (source: string, options?: VerbOptions): Promise<MatcherOn<ImageInput>> =>
      MatcherOn.load(platform, source, options),
  };

  const Captioner = {
    /** `blip`'s conventions unless told. @throws {ModelError} where the model cannot be used for captions */
    fromPretrained: (source: string, options?: CaptionerOptions): Promise<CaptionerOn<ImageInput>> =>
      CaptionerOn.load(platform, source, options),
  };

  const Answerer = {
    /** `blip`'s conventions unless told. @throws {ModelError} where the model cannot be used for questions */
    fromPretrained: (source: string, options?: VerbOptions): Promise<AnswererOn<ImageInput>> =>
      AnswererOn.load(platform, source, options),
  };

  const Comparer = {
    /** `blip`'s conventions unless told. @throws {ModelError} where the model cannot be used for NLVR2 */
    fromPretrained: (source: string, options?: VerbOptions): Promise<ComparerOn<ImageInput>> =>
      ComparerOn.load(platform, source, options),
  };

  const Embedder = {
    /** `blip`'s conventions unless told. @throws {ModelError} where the model cannot be used for features */
    fromPretrained: (source: string, options?: VerbOptions): Promise<EmbedderOn<ImageInput>> =>
      EmbedderOn.load(platform, source, options),
  };

  const Retriever = {
    /** `blip`'s conventions unless told. @throws {ModelError} where the model cannot be used for matching */
    fromPretrained: (source: string, options?: VerbOptions): Promise<RetrieverOn<ImageInput>> =>
      RetrieverOn.load(platform, source, options),
  };

  /**
   * Scores every picture with every text; each picture is encoded once.
   * @returns a row for each pair, pictures in order, texts inside; one row with `error` for a picture that cannot be read, or about which the model's numbers are not finite
   * @throws {ModelError} where the model cannot be used @throws {UsageError} where a text is empty or an option is wrong
   */
  async function match<Input extends ImageInput>(
    images: readonly Input[],
    texts: readonly string[],
    options: Options<VerbOptions, MatchOptions> = {},
  ): Promise<(MatchRow<Input> | FailedRow<Input>)[]> {
    const matcher = await Matcher.fromPretrained(options.model ?? embedded, options);
    return closing(matcher, () => all(matcher.match(images, texts, callOptions(options))));
  }

  /**
   * Captions pictures.
   * @returns `numReturn` rows a picture, best first; one row with `error` for a picture that cannot be read, or about which the model's numbers are not finite
   * @throws {ModelError} where the model cannot be used @throws {UsageError} where an option is wrong
   */
  async function caption<Input extends ImageInput>(
    images: readonly Input[],
    options: Options<CaptionerOptions, CaptionOptions> = {},
  ): Promise<(CaptionRow<Input> | FailedRow<Input>)[]> {
    const captioner = await Captioner.fromPretrained(options.model ?? embedded, options);
    return closing(captioner, () => all(captioner.caption(images, callOptions(options))));
  }

  /**
   * Answers every question about every picture: freely, or with the best of `answers`.
   * @returns a row for each pair, pictures in order, questions inside; one with `error` for a picture that cannot be read, or for an answer that is not finite
   * @throws {ModelError} where the model cannot be used @throws {UsageError} where a question is empty or an option is wrong
   */
  async function ask<Input extends ImageInput>(
    images: readonly Input[],
    questions: readonly string[],
    options: Options<VerbOptions, AskOptions> = {},
  ): Promise<(AnswerRow<Input> | FailedRow<Input>)[]> {
    const answerer = await Answerer.fromPretrained(options.model ?? embedded, options);
    return closing(answerer, () => all(answerer.ask(images, questions, callOptions(options))));
  }

  /**
   * Judges statements about a left and a right picture.
   * @returns a row a statement; or a row with `error` for each picture that cannot be read, or for a statement whose logits are not finite
   * @throws {ModelError} where the model cannot be used @throws {UsageError} where a statement is empty
   */
  async function compare<Input extends ImageInput>(
    images: readonly [Input, Input],
    statements: readonly string[],
    options: VerbOptions & Pick<WithModel, "model"> = {},
  ): Promise<(CompareRow<Input> | FailedRow<Input>)[]> {
    const comparer = await Comparer.fromPretrained(options.model ?? embedded, options);
    return closing(comparer, () => all(comparer.compare(images, statements, options)));
  }

  /**
   * Pictures and texts as vectors of one space, or as all their states.
   * @returns pictures in order, then texts in order; a row with `error` for a picture that cannot be read, or for what is not finite
   * @throws {ModelError} where the model cannot be used @throws {UsageError} where a text is empty or an option is wrong
   */
  async function embed<Input extends ImageInput, States extends boolean = false>(
    images: readonly Input[],
    texts: readonly string[] = [],
    options: Options<VerbOptions, EmbedOptions<States>> = {},
  ): Promise<(ImageEmbedding<Input, States> | TextEmbedding<States> | FailedRow<Input> | FailedText)[]> {
    const embedder = await Embedder.fromPretrained(options.model ?? embedded, options);
    return closing(embedder, async () => [
      ...(images.length > 0 ? await all(embedder.embedImages(images, callOptions(options))) : []),
      ...(await all(embedder.embedTexts(texts, options))),
    ]);
  }

  /**
   * Searches pictures by texts, or with `by: "image"` texts by pictures: cosine first, then ITM re-ranks the best k.
   * @returns a row a text (or a picture) with its hits, best first; a row with `error` for a picture that cannot be read, or for what is not finite
   * @throws {ModelError} where the model cannot be used @throws {UsageError} where a text is empty or an option is wrong
   */
  function retrieve<Input extends ImageInput>(
    images: readonly Retrievable<Input>[],
    texts: readonly string[],
    options: RetrieveCall & { readonly by: "image" },
  ): Promise<(ImageRow<Input> | FailedRow<Input> | FailedText)[]>;
  function retrieve<Input extends ImageInput>(
    images: readonly Retrievable<Input>[],
    texts: readonly string[],
    options?: RetrieveCall & { readonly by?: "text" },
  ): Promise<(TextRow<Input> | FailedRow<Input> | FailedText)[]>;
  async function retrieve<Input extends ImageInput>(
    images: readonly Retrievable<Input>[],
    texts: readonly string[],
    { by = "text", ...options }: RetrieveCall & { readonly by?: "text" | "image" } = {},
  ): Promise<(TextRow<Input> | ImageRow<Input> | FailedRow<Input> | FailedText)[]> {
    const retriever = await Retriever.fromPretrained(options.model ?? embedded, options);
    const call = callOptions(options);
    return closing<typeof retriever, (TextRow<Input> | ImageRow<Input> | FailedRow<Input> | FailedText)[]>(
      retriever,
      () =>
        by === "image"
          ? all(retriever.byImage(images, texts, call))
          : all(retriever.byText(images, texts, call)),
    );
  }

  /** What a model's files hold, before any weight is read. @throws {ModelError} where they cannot be found or read */
  const inspect = (source: string, options?: ModelOptions): Promise<Inspection> =>
    inspectOn(platform, source, options);

  /** The graphs of a task as they are run, printed. */
  const printTask = (source: string, task: string, options?: ModelOptions): Promise<string> =>
    printTaskOn(platform, source, task, options);

  /**
   * Any checkpoint to a Hugging Face folder that does not exist yet: names, config, processor. Numbers stay as they are.
   * @throws {ModelError} where the model cannot be used @throws {UsageError} `save/...`
   */
  const convert = (source: string, folder: string, options?: ConvertOptions): Promise<Conversion> =>
    convertOn(platform, source, folder, options);

  /**
   * A task's graphs as ONNX files in a folder that does not exist yet, with an `export.json` that says how to run them.
   * @throws {ModelError} where the model cannot be used
   * @throws {UsageError} `usage/unknown-task`, `export/...`, `save/...`
   */
  const exportOnnx = (source: string, folder: string, options: ExportOptions): Promise<ExportDescription> =>
    exportOnnxOn(platform, source, folder, options);

  /**
   * A folder with half-precision or 8-bit weights, which every task runs from with no option.
   * @throws {ModelError} where the model cannot be used @throws {UsageError} `save/...`
   */
  const quantize = (source: string, folder: string, options: QuantizeOptions): Promise<Conversion> =>
    quantizeOn(platform, source, folder, options);

  /**
   * The published samples of one of Salesforce's models: expected, found, verdict.
   * @throws {UsageError} `verify/no-samples` @throws {ModelError} where the model cannot be found or read
   */
  const verify = (source: string, options?: VerifyOptions): AsyncGenerator<VerifyRow, void, undefined> =>
    verifyOn(platform, source, fromPlace, options);

  return {
    BlipProcessor,
    BlipForImageTextRetrieval,
    BlipForConditionalGeneration,
    BlipForQuestionAnswering,
    BlipForNLVR,
    BlipModel,
    Matcher,
    Captioner,
    Answerer,
    Comparer,
    Embedder,
    Retriever,
    match,
    caption,
    ask,
    compare,
    embed,
    retrieve,
    inspect,
    printTask,
    convert,
    exportOnnx,
    quantize,
    verify,
  };
}
