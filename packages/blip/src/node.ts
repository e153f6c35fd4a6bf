// The door for Node: the isomorphic package wired to files, the Hub's cache, sharp and onnxruntime-node.
import type { ImageInput } from "./platform/node/decode-image.ts";
import { nodePlatform } from "./platform/node/node-platform.ts";
import { Answerer as AnswererOn, type AnswerRow, type AskOptions } from "./tasks/ask.ts";
import {
  Captioner as CaptionerOn,
  type CaptionerOptions,
  type CaptionOptions,
  type CaptionRow,
} from "./tasks/caption.ts";
import { Comparer as ComparerOn, type CompareRow } from "./tasks/compare.ts";
import { ConditionalGeneration } from "./tasks/conditional-generation.ts";
import {
  Embedder as EmbedderOn,
  type EmbedOptions,
  type ImageEmbedding,
  type TextEmbedding,
} from "./tasks/embed.ts";
import { FeatureExtraction } from "./tasks/feature-extraction.ts";
import { ImageTextRetrieval } from "./tasks/image-text-retrieval.ts";
import { inspect as inspectOn, printTask as printTaskOn, type Inspection } from "./tasks/inspect.ts";
import { Matcher as MatcherOn, type MatchOptions, type MatchRow } from "./tasks/match.ts";
import type { ModelOptions } from "./tasks/model-options.ts";
import { NaturalLanguageVisualReasoning } from "./tasks/natural-language-visual-reasoning.ts";
import type { FailedRow, VerbOptions } from "./tasks/picture-model.ts";
import { loadProcessor, type Processor, type ProcessorOptions } from "./tasks/processor.ts";
import { QuestionAnswering } from "./tasks/question-answering.ts";
import {
  Retriever as RetrieverOn,
  type ImageRow,
  type Retrievable,
  type RetrieveOptions,
  type TextRow,
} from "./tasks/retrieve.ts";
import { convert as convertOn, type Conversion, type ConvertOptions } from "./tasks/save.ts";
import { verify as verifyOn, type VerifyOptions, type VerifyRow } from "./tasks/verify.ts";

export * from "./index.ts";
export type { ImageInput } from "./platform/node/decode-image.ts";

/** Pictures and texts as a model reads them; called as `await processor(image, text)`. */
export type BlipProcessor = Processor<ImageInput>;

export const BlipProcessor = {
  /**
   * The processor of a model: a folder, a weights file, `picture-book`, or a Hub id.
   * @throws {ModelError} where the model cannot be found or its files cannot be used
   */
  fromPretrained: (source: string, options?: ProcessorOptions): Promise<BlipProcessor> =>
    loadProcessor(nodePlatform, source, options),
};

/** Image-text matching and contrast, as transformers' class of this name. */
export type BlipForImageTextRetrieval = ImageTextRetrieval;

export const BlipForImageTextRetrieval = {
  /**
   * Loads a model for matching; sessions are made when they are first needed.
   * @throws {ModelError} where the model cannot be found, read, or used for matching
   */
  fromPretrained: (source: string, options?: ModelOptions): Promise<BlipForImageTextRetrieval> =>
    ImageTextRetrieval.load(nodePlatform, source, options),
};

/** Captions, as transformers' class of this name. */
export type BlipForConditionalGeneration = ConditionalGeneration;

export const BlipForConditionalGeneration = {
  /**
   * Loads a model for captions; sessions are made when they are first needed.
   * @throws {ModelError} where the model cannot be found, read, or used for captions
   */
  fromPretrained: (source: string, options?: ModelOptions): Promise<BlipForConditionalGeneration> =>
    ConditionalGeneration.load(nodePlatform, source, options),
};

/** Answers to questions, as transformers' class of this name, and BLIP's ranking of a list of answers. */
export type BlipForQuestionAnswering = QuestionAnswering;

export const BlipForQuestionAnswering = {
  /**
   * Loads a model for questions; sessions are made when they are first needed.
   * @throws {ModelError} where the model cannot be found, read, or used for questions
   */
  fromPretrained: (source: string, options?: ModelOptions): Promise<BlipForQuestionAnswering> =>
    QuestionAnswering.load(nodePlatform, source, options),
};

/** NLVR2: statements about two pictures (models/blip_nlvr.py). */
export type BlipForNLVR = NaturalLanguageVisualReasoning;

export const BlipForNLVR = {
  /**
   * Loads a model for NLVR2; sessions are made when they are first needed.
   * @throws {ModelError} where the model cannot be found, read, or used for NLVR2
   */
  fromPretrained: (source: string, options?: ModelOptions): Promise<BlipForNLVR> =>
    NaturalLanguageVisualReasoning.load(nodePlatform, source, options),
};

/** Features of pictures and texts, as transformers' class of this name; from files of matching as well. */
export type BlipModel = FeatureExtraction;

export const BlipModel = {
  /**
   * Loads a model for features; sessions are made when they are first needed.
   * @throws {ModelError} where the model cannot be found, read, or used for features
   */
  fromPretrained: (source: string, options?: ModelOptions): Promise<BlipModel> =>
    FeatureExtraction.load(nodePlatform, source, options),
};

/** A matching model with its processor, for many pictures and many texts. */
export type Matcher = MatcherOn<ImageInput>;

export const Matcher = {
  /** `blip`'s conventions unless told. @throws {ModelError} where the model cannot be used for matching */
  fromPretrained: (source: string, options?: VerbOptions): Promise<Matcher> =>
    MatcherOn.load(nodePlatform, source, options),
};

/** A captioning model with its processor, for many pictures. */
export type Captioner = CaptionerOn<ImageInput>;

export const Captioner = {
  /** `blip`'s conventions unless told. @throws {ModelError} where the model cannot be used for captions */
  fromPretrained: (source: string, options?: CaptionerOptions): Promise<Captioner> =>
    CaptionerOn.load(nodePlatform, source, options),
};

/** A question-answering model with its processor, for many pictures and questions. */
export type Answerer = AnswererOn<ImageInput>;

export const Answerer = {
  /** `blip`'s conventions unless told. @throws {ModelError} where the model cannot be used for questions */
  fromPretrained: (source: string, options?: VerbOptions): Promise<Answerer> =>
    AnswererOn.load(nodePlatform, source, options),
};

/** An NLVR2 model with its processor. */
export type Comparer = ComparerOn<ImageInput>;

export const Comparer = {
  /** `blip`'s conventions unless told. @throws {ModelError} where the model cannot be used for NLVR2 */
  fromPretrained: (source: string, options?: VerbOptions): Promise<Comparer> =>
    ComparerOn.load(nodePlatform, source, options),
};

/** A model of features with its processor, for many pictures and texts. */
export type Embedder = EmbedderOn<ImageInput>;

export const Embedder = {
  /** `blip`'s conventions unless told. @throws {ModelError} where the model cannot be used for features */
  fromPretrained: (source: string, options?: VerbOptions): Promise<Embedder> =>
    EmbedderOn.load(nodePlatform, source, options),
};

/** A matching model with its processor, for searching. */
export type Retriever = RetrieverOn<ImageInput>;

export const Retriever = {
  /** `blip`'s conventions unless told. @throws {ModelError} where the model cannot be used for matching */
  fromPretrained: (source: string, options?: VerbOptions): Promise<Retriever> =>
    RetrieverOn.load(nodePlatform, source, options),
};

/** Which model a verb runs, and how far its call has come. */
export interface WithModel {
  /** A folder, a weights file, a Hub id, or `picture-book`, which is taken where nothing is said. */
  readonly model?: string | undefined;
  /** Called as pictures are done; `onProgress` is called while a model is fetched. */
  readonly onImages?: MatchOptions["onProgress"];
}

/** A verb's options: how its model is loaded, and those of its call. */
type Options<Load, Call> = Load & Omit<Call, "onProgress" | "signal"> & WithModel;

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

/**
 * Scores every picture with every text; each picture is encoded once.
 * @returns a row for each pair, pictures in order, texts inside; one row with `error` for a picture that cannot be read
 * @throws {ModelError} where the model cannot be used @throws {UsageError} where a text is empty or an option is wrong
 */
export async function match<Input extends ImageInput>(
  images: readonly Input[],
  texts: readonly string[],
  options: Options<VerbOptions, MatchOptions> = {},
): Promise<(MatchRow<Input> | FailedRow<Input>)[]> {
  await using matcher = await Matcher.fromPretrained(options.model ?? embedded, options);
  return await all(matcher.match(images, texts, callOptions(options)));
}

/**
 * Captions pictures.
 * @returns `numReturn` rows a picture, best first; one row with `error` for a picture that cannot be read
 * @throws {ModelError} where the model cannot be used @throws {UsageError} where an option is wrong
 */
export async function caption<Input extends ImageInput>(
  images: readonly Input[],
  options: Options<CaptionerOptions, CaptionOptions> = {},
): Promise<(CaptionRow<Input> | FailedRow<Input>)[]> {
  await using captioner = await Captioner.fromPretrained(options.model ?? embedded, options);
  return await all(captioner.caption(images, callOptions(options)));
}

/**
 * Answers every question about every picture: freely, or with the best of `answers`.
 * @returns a row for each pair, pictures in order, questions inside; one with `error` for a picture that cannot be read
 * @throws {ModelError} where the model cannot be used @throws {UsageError} where a question is empty or an option is wrong
 */
export async function ask<Input extends ImageInput>(
  images: readonly Input[],
  questions: readonly string[],
  options: Options<VerbOptions, AskOptions> = {},
): Promise<(AnswerRow<Input> | FailedRow<Input>)[]> {
  await using answerer = await Answerer.fromPretrained(options.model ?? embedded, options);
  return await all(answerer.ask(images, questions, callOptions(options)));
}

/**
 * Judges statements about a left and a right picture.
 * @returns a row a statement; or a row with `error` for each picture that cannot be read
 * @throws {ModelError} where the model cannot be used @throws {UsageError} where a statement is empty
 */
export async function compare<Input extends ImageInput>(
  images: readonly [Input, Input],
  statements: readonly string[],
  options: VerbOptions & Pick<WithModel, "model"> = {},
): Promise<(CompareRow<Input> | FailedRow<Input>)[]> {
  await using comparer = await Comparer.fromPretrained(options.model ?? embedded, options);
  return await all(comparer.compare(images, statements, options));
}

/**
 * Pictures and texts as vectors of one space, or as all their states.
 * @returns pictures in order, then texts in order; a row with `error` for a picture that cannot be read
 * @throws {ModelError} where the model cannot be used @throws {UsageError} where a text is empty or an option is wrong
 */
export async function embed<Input extends ImageInput, States extends boolean = false>(
  images: readonly Input[],
  texts: readonly string[] = [],
  options: Options<VerbOptions, EmbedOptions<States>> = {},
): Promise<(ImageEmbedding<Input, States> | TextEmbedding<States> | FailedRow<Input>)[]> {
  await using embedder = await Embedder.fromPretrained(options.model ?? embedded, options);
  return [
    ...(images.length > 0 ? await all(embedder.embedImages(images, callOptions(options))) : []),
    ...(await all(embedder.embedTexts(texts, options))),
  ];
}

type RetrieveCall = Options<VerbOptions, RetrieveOptions>;

/**
 * Searches pictures by texts, or with `by: "image"` texts by pictures: cosine first, then ITM re-ranks the best k.
 * @returns a row a text (or a picture) with its hits, best first; a row with `error` for a picture that cannot be read
 * @throws {ModelError} where the model cannot be used @throws {UsageError} where a text is empty or an option is wrong
 */
export function retrieve<Input extends ImageInput>(
  images: readonly Retrievable<Input>[],
  texts: readonly string[],
  options: RetrieveCall & { readonly by: "image" },
): Promise<(ImageRow<Input> | FailedRow<Input>)[]>;
export function retrieve<Input extends ImageInput>(
  images: readonly Retrievable<Input>[],
  texts: readonly string[],
  options?: RetrieveCall & { readonly by?: "text" },
): Promise<(TextRow<Input> | FailedRow<Input>)[]>;
export async function retrieve<Input extends ImageInput>(
  images: readonly Retrievable<Input>[],
  texts: readonly string[],
  { by = "text", ...options }: RetrieveCall & { readonly by?: "text" | "image" } = {},
): Promise<(TextRow<Input> | ImageRow<Input> | FailedRow<Input>)[]> {
  await using retriever = await Retriever.fromPretrained(options.model ?? embedded, options);
  const call = callOptions(options);
  return by === "image"
    ? await all(retriever.byImage(images, texts, call))
    : await all(retriever.byText(images, texts, call));
}

/** What a model's files hold, before any weight is read. @throws {ModelError} where they cannot be found or read */
export const inspect = (source: string, options?: ModelOptions): Promise<Inspection> =>
  inspectOn(nodePlatform, source, options);

/** The graphs of a task as they are run, printed. */
export const printTask = (source: string, task: string, options?: ModelOptions): Promise<string> =>
  printTaskOn(nodePlatform, source, task, options);

/**
 * Any checkpoint to a Hugging Face folder that does not exist yet: names, config, processor. Numbers stay as they are.
 * @throws {ModelError} where the model cannot be used @throws {UsageError} `save/...`
 */
export const convert = (source: string, folder: string, options?: ConvertOptions): Promise<Conversion> =>
  convertOn(nodePlatform, source, folder, options);

/**
 * The published samples of one of Salesforce's models: expected, found, verdict.
 * @throws {UsageError} `verify/no-samples` @throws {ModelError} where the model cannot be found or read
 */
export const verify = (source: string, options?: VerifyOptions): AsyncGenerator<VerifyRow, void, undefined> =>
  verifyOn(nodePlatform, source, (place) => place, options);
