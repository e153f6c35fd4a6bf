// The functions of a platform. Each call loads a model and closes it at the end.
import { captionerOptionNames, captionOptionNames } from "./verbs/caption-types.ts";
import { closing, expectOptions, optionNames, picked, type OptionNames } from "@blip-ts/base";
import type { PlatformClasses } from "./create-classes.ts";
import { type AnswerRow, type AskOptions, askOptionNames } from "./verbs/ask.ts";
import type { CaptionerOptions, CaptionOptions, CaptionRow } from "./verbs/caption.ts";
import type { CompareRow } from "./verbs/compare.ts";
import {
  type EmbedOptions,
  type ImageEmbedding,
  type TextEmbedding,
  embedOptionNames,
} from "./verbs/embed.ts";
import {
  type FailedRow,
  type FailedText,
  type VerbOptions,
  verbOptionNames,
  verbCallOptionNames,
  type VerbCallOptions,
} from "./verbs/image-batches.ts";
import type { MatchOptions, MatchRow } from "./verbs/match.ts";
import { type ImageRow, type RetrieveOptions, type TextRow, retrieveOptionNames } from "./verbs/retrieve.ts";
import type { Retrievable } from "./verbs/video.ts";

/** The model of a verb, and the progress of its call. */
export interface WithModel {
  /** A folder, a weights file, a Hub id, or `picture-book` (default). */
  readonly model?: string | undefined;
  /** Called after each batch of images. (`onProgress` reports the model's download.) */
  readonly onImages?: MatchOptions["onProgress"];
}

/** The options of a verb: the options to load its model and the options of its call. */
export type Options<Load, Call> = Load & Omit<Call, "onProgress" | "signal"> & WithModel;

const embedded = "picture-book";

async function all<Row>(rows: AsyncIterable<Row>): Promise<Row[]> {
  const list: Row[] = [];
  for await (const row of rows) list.push(row);
  return list;
}

const withModelNames = optionNames<WithModel>()({ model: true, onImages: true });

/** Combines the names of load options and call options. */
const functionNames = <Load extends object, Call extends VerbCallOptions>(
  load: OptionNames<Load>,
  call: OptionNames<Call>,
) => ({ ...load, ...call, ...withModelNames });

/** Extracts the options of a call. `onImages` becomes the call's `onProgress`. */
const callOptions = <Call extends VerbCallOptions>(options: WithModel, names: OptionNames<Call>): Call =>
  // The cast is safe, because only `onProgress` differs.
  ({ ...picked<object>(options, names), onProgress: options.onImages }) as Call;

type RetrieveCall = Options<VerbOptions, RetrieveOptions>;

function matchWith<ImageInput>({ Matcher }: PlatformClasses<ImageInput>) {
  /**
   * Scores every image-text pair. Each image is encoded once.
   * @returns one row per pair, ordered by image, then by text; for an image that cannot be read or has scores that are
   * not finite, one row with `error`
   * @throws {ModelError} if the model cannot be used
   * @throws {UsageError} if a text is empty or an option is wrong
   */
  async function match<Input extends ImageInput>(
    images: readonly Input[],
    texts: readonly string[],
    options: Options<VerbOptions, MatchOptions> = {},
  ): Promise<(MatchRow<Input> | FailedRow<Input>)[]> {
    expectOptions<object>("match", options, functionNames(verbOptionNames, verbCallOptionNames));
    const load = picked<object>(options, verbOptionNames);
    const matcher = await Matcher.fromPretrained(options.model ?? embedded, load);
    return closing(matcher, () =>
      all(matcher.match(images, texts, callOptions<MatchOptions>(options, verbCallOptionNames))),
    );
  }
  return match;
}

function captionWith<ImageInput>({ Captioner }: PlatformClasses<ImageInput>) {
  /**
   * Captions images.
   * @returns `numReturn` rows per image, best first; for an image that cannot be read or has outputs that are not
   * finite, one row with `error`
   * @throws {ModelError} if the model cannot be used
   * @throws {UsageError} if an option is wrong
   */
  async function caption<Input extends ImageInput>(
    images: readonly Input[],
    options: Options<CaptionerOptions, CaptionOptions> = {},
  ): Promise<(CaptionRow<Input> | FailedRow<Input>)[]> {
    expectOptions<object>("caption", options, functionNames(captionerOptionNames, captionOptionNames));
    const load = picked<object>(options, captionerOptionNames);
    const captioner = await Captioner.fromPretrained(options.model ?? embedded, load);
    return closing(captioner, () =>
      all(captioner.caption(images, callOptions<CaptionOptions>(options, captionOptionNames))),
    );
  }
  return caption;
}

function askWith<ImageInput>({ Answerer }: PlatformClasses<ImageInput>) {
  /**
   * Answers every question about every image: freely, or with the best of `answers`.
   * @returns one row per pair, ordered by image, then by question; one row with `error` for an image that cannot be
   * read, or for an answer whose results are not finite
   * @throws {ModelError} if the model cannot be used
   * @throws {UsageError} if a question is empty or an option is wrong
   */
  async function ask<Input extends ImageInput>(
    images: readonly Input[],
    questions: readonly string[],
    options: Options<VerbOptions, AskOptions> = {},
  ): Promise<(AnswerRow<Input> | FailedRow<Input>)[]> {
    expectOptions<object>("ask", options, functionNames(verbOptionNames, askOptionNames));
    const load = picked<object>(options, verbOptionNames);
    const answerer = await Answerer.fromPretrained(options.model ?? embedded, load);
    return closing(answerer, () =>
      all(answerer.ask(images, questions, callOptions<AskOptions>(options, askOptionNames))),
    );
  }
  return ask;
}

function compareWith<ImageInput>({ Comparer }: PlatformClasses<ImageInput>) {
  /**
   * Judges statements about a left and a right image.
   * @returns one row per statement; a row with `error` for each image that cannot be read, or for a statement whose
   * logits are not finite
   * @throws {ModelError} if the model cannot be used
   * @throws {UsageError} if a statement is empty
   */
  async function compare<Input extends ImageInput>(
    images: readonly [Input, Input],
    statements: readonly string[],
    options: VerbOptions & Pick<WithModel, "model"> = {},
  ): Promise<(CompareRow<Input> | FailedRow<Input>)[]> {
    expectOptions("compare", options, { ...verbOptionNames, model: true });
    const { model = embedded, ...load } = options;
    const comparer = await Comparer.fromPretrained(model, load);
    const { signal, maxPixels } = options;
    return closing(comparer, () => all(comparer.compare(images, statements, { signal, maxPixels })));
  }
  return compare;
}

function embedWith<ImageInput>({ Embedder }: PlatformClasses<ImageInput>) {
  /**
   * Embeds images and texts as vectors in a common space, or returns all their states.
   * @returns the images in order, then the texts in order; a row with `error` for an image that cannot be read, or for
   * outputs that are not finite
   * @throws {ModelError} if the model cannot be used
   * @throws {UsageError} if a text is empty or an option is wrong
   */
  async function embed<Input extends ImageInput, States extends boolean = false>(
    images: readonly Input[],
    texts: readonly string[] = [],
    options: Options<VerbOptions, EmbedOptions<States>> = {},
  ): Promise<(ImageEmbedding<Input, States> | TextEmbedding<States> | FailedRow<Input> | FailedText)[]> {
    expectOptions<object>("embed", options, functionNames(verbOptionNames, embedOptionNames));
    const load = picked<object>(options, verbOptionNames);
    const embedder = await Embedder.fromPretrained(options.model ?? embedded, load);
    return closing(embedder, async () => [
      ...(images.length > 0
        ? await all(
            embedder.embedImages(images, callOptions<EmbedOptions<States>>(options, embedOptionNames)),
          )
        : []),
      ...(await all(embedder.embedTexts(texts, { states: options.states, signal: options.signal }))),
    ]);
  }
  return embed;
}

function retrieveWith<ImageInput>({ Retriever }: PlatformClasses<ImageInput>) {
  /**
   * Searches images by texts, or texts by images with `by: "image"`. Ranks by cosine, then re-ranks the best k by ITM.
   * @returns one row per text (or per image) with its hits, best first; a row with `error` for an image that cannot be
   * read, or for outputs that are not finite
   * @throws {ModelError} if the model cannot be used
   * @throws {UsageError} if a text is empty or an option is wrong
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
    expectOptions<object>("retrieve", options, functionNames(verbOptionNames, retrieveOptionNames));
    const load = picked<object>(options, verbOptionNames);
    const retriever = await Retriever.fromPretrained(options.model ?? embedded, load);
    const call = callOptions<RetrieveOptions>(options, retrieveOptionNames);
    return closing<typeof retriever, (TextRow<Input> | ImageRow<Input> | FailedRow<Input> | FailedText)[]>(
      retriever,
      () =>
        by === "image"
          ? all(retriever.byImage(images, texts, call))
          : all(retriever.byText(images, texts, call)),
    );
  }
  return retrieve;
}

/** Creates the functions from a platform's classes. */
export function createVerbs<ImageInput>(classes: PlatformClasses<ImageInput>) {
  return {
    match: matchWith(classes),
    caption: captionWith(classes),
    ask: askWith(classes),
    compare: compareWith(classes),
    embed: embedWith(classes),
    retrieve: retrieveWith(classes),
  };
}
