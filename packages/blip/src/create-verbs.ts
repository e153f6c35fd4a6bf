// The functions of a platform. Each call loads a model and closes it at the end.
import { captionerOptionNames, captionOptionNames } from "./verbs/caption-types.ts";
import { type Closable, closing, expectOptions, optionNames, picked, type OptionNames } from "@blip-ts/base";
import type { PlatformClasses, Pretrained } from "./create-classes.ts";
import { type Answerer, type AnswerRow, type AskOptions, askOptionNames } from "./verbs/ask.ts";
import type { Captioner, CaptionerOptions, CaptionOptions, CaptionRow } from "./verbs/caption.ts";
import type { CompareRow } from "./verbs/compare.ts";
import {
  type Embedder,
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
import type { Matcher, MatchOptions, MatchRow } from "./verbs/match.ts";
import {
  type ImageRow,
  type RetrieveOptions,
  type Retriever,
  type TextRow,
  retrieveOptionNames,
} from "./verbs/retrieve.ts";
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

/** How a function loads and calls its verb. */
interface OneCall<Verb, Load, Call> {
  readonly name: string;
  readonly from: Pretrained<Verb, Load>;
  readonly load: OptionNames<Load>;
  readonly call: OptionNames<Call>;
}

/** Loads a verb's model for one call. `onImages` becomes the call's `onProgress`. */
async function once<Verb extends Closable, Load extends object, Call extends VerbCallOptions, Result>(
  { name, from, load, call }: OneCall<Verb, Load, Call>,
  options: WithModel,
  use: (verb: Verb, options: Call) => Promise<Result>,
): Promise<Result> {
  expectOptions<object>(name, options, { ...load, ...call, ...withModelNames });
  // The casts are safe: the names are those of the types, and only `onProgress` differs.
  const verb = await from.fromPretrained(options.model ?? embedded, picked<object>(options, load) as Load);
  const own = { ...picked<object>(options, call), onProgress: options.onImages } as Call;
  return closing(verb, () => use(verb, own));
}

type RetrieveCall = Options<VerbOptions, RetrieveOptions>;
type RetrieveRow<Input> = TextRow<Input> | ImageRow<Input> | FailedRow<Input> | FailedText;

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
    const parts: OneCall<Matcher<ImageInput>, VerbOptions, MatchOptions> = {
      ...{ name: "match", from: Matcher, load: verbOptionNames, call: verbCallOptionNames },
    };
    return once(parts, options, (matcher, call) => all(matcher.match(images, texts, call)));
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
    const parts: OneCall<Captioner<ImageInput>, CaptionerOptions, CaptionOptions> = {
      ...{ name: "caption", from: Captioner, load: captionerOptionNames, call: captionOptionNames },
    };
    return once(parts, options, (captioner, call) => all(captioner.caption(images, call)));
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
    const parts: OneCall<Answerer<ImageInput>, VerbOptions, AskOptions> = {
      ...{ name: "ask", from: Answerer, load: verbOptionNames, call: askOptionNames },
    };
    return once(parts, options, (answerer, call) => all(answerer.ask(images, questions, call)));
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
    const parts: OneCall<Embedder<ImageInput>, VerbOptions, EmbedOptions<States>> = {
      ...{ name: "embed", from: Embedder, load: verbOptionNames, call: embedOptionNames },
    };
    return once(parts, options, async (embedder, call) => [
      ...(images.length > 0 ? await all(embedder.embedImages(images, call)) : []),
      ...(await all(embedder.embedTexts(texts, call))),
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
  ): Promise<RetrieveRow<Input>[]> {
    const parts: OneCall<Retriever<ImageInput>, VerbOptions, RetrieveOptions> = {
      ...{ name: "retrieve", from: Retriever, load: verbOptionNames, call: retrieveOptionNames },
    };
    return once(parts, options, (retriever, call): Promise<RetrieveRow<Input>[]> =>
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
