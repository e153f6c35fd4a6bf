// All verbs over one model: one engine, one set of sessions and weights, and images that are encoded once for all of them.
import { expectImages } from "../../image/expect-images.ts";
import { asyncDispose, type Closable, orClosed, expectOptions, optionNames } from "@blip-ts/base";
import { modelClosed } from "@blip-ts/engine";
import { heldBytes } from "../../load/memory-plan.ts";
import { openTasks, type OpenTasks } from "../../load/open-tasks.ts";
import type { Platform } from "../../platform.ts";
import { stackPixels } from "../../processor/image-processor.ts";
import { ImageCache } from "../../run/image-cache.ts";
import { ImageEncoder } from "../../run/image-encoder.ts";
import { imageHeadOf, networkTaskOf } from "../../tasks/index.ts";
import type { Task } from "../../tasks/task.ts";
import {
  type Answer,
  type AnswerRequest,
  type AnswerRow,
  type AskOptions,
  type AskRowOptions,
} from "../ask.ts";
import { BlipImage } from "./blip-image.ts";
import {
  type Caption,
  type CaptionOptions,
  type CaptionRequest,
  type CaptionRow,
  type CaptionRowOptions,
} from "../caption.ts";
import { type CompareAnswer, type CompareOptions, type CompareRequest, type CompareRow } from "../compare.ts";
import {
  type EmbedAnswer,
  type EmbedOptions,
  type EmbedRequest,
  type EmbedRowOptions,
  type ImageEmbedding,
  type TextEmbedding,
} from "../embed.ts";
import { imageClosed, noRoomForImage } from "./errors.ts";
import {
  processorsOf,
  verbOptions,
  type FailedRow,
  type FailedText,
  type ReadImageOptions,
  type VerbOptions,
  verbOptionNames,
  readImageOptionNames,
} from "../image-batches.ts";
import { type MatchOptions, type MatchRequest, type MatchRow, type MatchScores } from "../match.ts";
import type { AnsweredRow, RowCallOptions, RowSource, RowsOptions } from "../rows.ts";
import { Retriever, type ImageRow, type RetrieveOptions, type TextRow, expectBy } from "../retrieve.ts";
import { LazyVerbs, type VerbBase } from "./lazy-verbs.ts";
import { isVideo, type Retrievable } from "../video.ts";

/** How a model of several tasks is loaded. */
export interface BlipOptions extends VerbOptions {
  /** The tasks that it is to do: all that it can, unless told. With a bound of memory, fewer tasks leave room for larger batches. */
  readonly tasks?: readonly Task[] | undefined;
}

export const blipOptionNames = optionNames<BlipOptions>()({ ...verbOptionNames, tasks: true });

/** What calls take for an image: an input of the platform, or an image that is held. */
export type ImageOrInput<ImageInput> = ImageInput | BlipImage<ImageInput>;

/** Images whose states are kept although nobody holds them. */
const lastImages = 4;

/**
 * A model for every task that its file can do, or a suite for all of its parts. Sessions are made when they are first needed, and shared by the tasks.
 * The states of the last four images are kept, by the content of their pixel values: an image that comes again, for
 * whatever task, is not encoded again.
 */
export class Blip<ImageInput> implements Closable {
  readonly #base: VerbBase<ImageOrInput<ImageInput>>;
  readonly #cache: ImageCache;
  readonly #verbs: LazyVerbs<ImageOrInput<ImageInput>>;
  readonly #held = new Set<BlipImage<ImageInput>>();
  /** Images that are about to be held. */
  #opening = 0;

  private constructor(base: VerbBase<ImageOrInput<ImageInput>>, cache: ImageCache) {
    this.#base = base;
    this.#cache = cache;
    this.#verbs = new LazyVerbs(base);
  }

  /**
   * @throws {ModelError} if the model cannot be found, read, or used for any task
   * @throws {UsageError} if an option is wrong @throws the signal's reason
   */
  static async load<ImageInput>(
    platform: Platform<ImageInput>,
    source: string,
    options: BlipOptions = {},
  ): Promise<Blip<ImageInput>> {
    const { tasks, ...own } = options;
    const loadOptions = verbOptions(own);
    const open = await openTasks(platform, source, loadOptions, { tasks });
    return orClosed(open, () => Blip.over(platform, open, loadOptions), loadOptions.signal);
  }

  /** One over tasks that are open; it owns them. */
  static async over<ImageInput>(
    platform: Pick<Platform<ImageInput>, "decodeImage" | "prepareDecoders" | "warn">,
    open: OpenTasks,
    options: VerbOptions,
  ): Promise<Blip<ImageInput>> {
    const { images: loaded } = open;
    const decoder: Pick<Platform<ImageOrInput<ImageInput>>, "decodeImage" | "prepareDecoders" | "warn"> = {
      decodeImage: (input, more) => {
        // `prepared` has seen to those that are held.
        if (input instanceof BlipImage) throw imageClosed();
        return platform.decodeImage(input, more);
      },
      prepareDecoders: () => platform.prepareDecoders?.(),
      warn: (warning) => platform.warn(warning),
    };
    const prepared = (input: ImageOrInput<ImageInput>) =>
      input instanceof BlipImage ? input.pixels : undefined;
    const networks = open.tasks.flatMap((task) => networkTaskOf(task) ?? []);
    const cache = new ImageCache({ images: lastImages, bytes: loaded.limits.heldImages });
    const images = new ImageEncoder(loaded, imageHeadOf(networks, loaded.opened.architecture), cache);
    const processors = await processorsOf(decoder, loaded, options, prepared);
    return new Blip({ open, images, processors }, cache);
  }

  /** What the model can do, of what it was opened for. */
  get tasks(): readonly Task[] {
    return this.#base.open.tasks;
  }

  /**
   * An image for several calls: it is decoded and encoded now, once, and its states are kept until it is closed, or this
   * model is.
   * @throws {InputError} `image/...` @throws {UsageError} `usage/bad-option`, `usage/disposed`, `usage/too-many-images`
   * @throws the signal's reason
   */
  async image(input: ImageInput, options: ReadImageOptions = {}): Promise<BlipImage<ImageInput>> {
    expectOptions("image", options, readImageOptionNames);
    if (this.#verbs.closed) throw modelClosed();
    const { loaded } = this.#base.images;
    const most = Math.floor(loaded.limits.heldImages / heldBytes(loaded.config));
    if (this.#held.size + this.#opening >= most) throw noRoomForImage(most);
    this.#opening++;
    try {
      return await this.#hold(input, options);
    } finally {
      this.#opening--;
    }
  }
  /**
   * Every image with every text, images in their order, texts inside: see `Matcher.match`.
   * @throws {ModelError} `model/wrong-task` at once
   * @throws {UsageError} `usage/...`, `text/empty` @throws {InputError} `text/too-long`
   */
  match<Input extends ImageOrInput<ImageInput>>(
    images: readonly Input[],
    texts: readonly string[],
    options: MatchOptions = {},
  ): AsyncGenerator<MatchRow<Input> | FailedRow<Input>, void, undefined> {
    this.#expect("match", images);
    return rowsOf(this.#verbs.matcher, (matcher) => matcher.match(images, texts, options));
  }

  /**
   * Captions of images, in their order; `numReturn` rows each, best first: see `Captioner.caption`.
   * @throws {ModelError} `model/wrong-task` at once
   * @throws {UsageError} `usage/...`, `generate/...` @throws {InputError} `text/too-long`
   */
  caption<Input extends ImageOrInput<ImageInput>>(
    images: readonly Input[],
    options: CaptionOptions = {},
  ): AsyncGenerator<CaptionRow<Input> | FailedRow<Input>, void, undefined> {
    this.#expect("caption", images);
    return rowsOf(this.#verbs.captioner, (captioner) => captioner.caption(images, options));
  }

  /**
   * Every question about every image, images in their order, questions inside: see `Answerer.ask`.
   * @throws {ModelError} `model/wrong-task` at once
   * @throws {UsageError} `usage/...`, `text/empty`, `generate/...` @throws {InputError} `text/too-long`
   */
  ask<Input extends ImageOrInput<ImageInput>>(
    images: readonly Input[],
    questions: readonly string[],
    options: AskOptions = {},
  ): AsyncGenerator<AnswerRow<Input> | FailedRow<Input>, void, undefined> {
    this.#expect("ask", images);
    return rowsOf(this.#verbs.answerer, (answerer) => answerer.ask(images, questions, options));
  }

  /**
   * Statements about a left and a right image: see `Comparer.compare`.
   * @throws {ModelError} `model/wrong-task` at once
   * @throws {UsageError} `usage/...`, `text/empty` @throws {InputError} `text/too-long`
   */
  compare<Left extends ImageOrInput<ImageInput>, Right extends ImageOrInput<ImageInput>>(
    images: readonly [Left, Right],
    statements: readonly string[],
    options: CompareOptions = {},
  ): AsyncGenerator<CompareRow<Left | Right> | FailedRow<Left | Right>, void, undefined> {
    this.#expect("compare", images);
    return rowsOf(this.#verbs.comparer, (comparer) =>
      comparer.compare<Left | Right>(images, statements, options),
    );
  }

  /**
   * Images, then texts, as vectors of one space, or as all their states: see `Embedder`.
   * @throws {ModelError} `model/wrong-task` at once
   * @throws {UsageError} `usage/...`, `text/empty` @throws {InputError} `text/too-long`
   */
  embed<Input extends ImageOrInput<ImageInput>, States extends boolean = false>(
    images: readonly Input[],
    texts: readonly string[] = [],
    options: EmbedOptions<States> = {},
  ): AsyncGenerator<
    ImageEmbedding<Input, States> | TextEmbedding<States> | FailedRow<Input> | FailedText,
    void,
    undefined
  > {
    this.#expect("embed", images);
    return rowsOf(this.#verbs.embedder, async function* (embedder) {
      if (images.length > 0) yield* embedder.embedImages(images, options);
      yield* embedder.embedTexts(texts, options);
    });
  }

  /**
   * Searches images by texts, or with `by: "image"` texts by images: see `Retriever`.
   * @throws {ModelError} `model/wrong-task` at once
   * @throws {UsageError} `usage/...`, `text/empty` @throws {InputError} `text/too-long`
   */
  retrieve<Input extends ImageOrInput<ImageInput>>(
    images: readonly Retrievable<Input>[],
    texts: readonly string[],
    options: RetrieveOptions & { readonly by: "image" },
  ): AsyncGenerator<ImageRow<Input> | FailedRow<Input> | FailedText, void, undefined>;
  retrieve<Input extends ImageOrInput<ImageInput>>(
    images: readonly Retrievable<Input>[],
    texts: readonly string[],
    options?: RetrieveOptions & { readonly by?: "text" },
  ): AsyncGenerator<TextRow<Input> | FailedRow<Input> | FailedText, void, undefined>;
  retrieve<Input extends ImageOrInput<ImageInput>>(
    images: readonly Retrievable<Input>[],
    texts: readonly string[],
    { by = "text", ...options }: RetrieveOptions & { readonly by?: "text" | "image" } = {},
  ): AsyncGenerator<TextRow<Input> | ImageRow<Input> | FailedRow<Input> | FailedText, void, undefined> {
    expectImages(images);
    expectBy(by);
    this.#expect(
      "retrieve",
      images.flatMap((image) => (isVideo(image) ? image.frames : [image])),
    );
    return rowsOf<
      Retriever<ImageOrInput<ImageInput>>,
      TextRow<Input> | ImageRow<Input> | FailedRow<Input> | FailedText
    >(this.#verbs.retriever, (retriever) =>
      by === "image" ? retriever.byImage(images, texts, options) : retriever.byText(images, texts, options),
    );
  }

  /** A stream of rows `{ image, text }`, each answered in its place: see `rows` of Matcher. @throws {ModelError} `model/wrong-task` at once */
  matchRows<Row extends MatchRequest<ImageOrInput<ImageInput>>>(
    source: RowSource<Row>,
    options: RowsOptions & RowCallOptions = {},
  ): AsyncGenerator<AnsweredRow<Row, MatchScores>, void, undefined> {
    this.#expect("match", []);
    return rowsOf(this.#verbs.matcher, (verb) => verb.rows(source, options));
  }

  /** A stream of rows `{ image, prompt? }`, each answered in its place: see `rows` of Captioner. @throws {ModelError} `model/wrong-task` at once */
  captionRows<Row extends CaptionRequest<ImageOrInput<ImageInput>>>(
    source: RowSource<Row>,
    options: RowsOptions & CaptionRowOptions = {},
  ): AsyncGenerator<AnsweredRow<Row, Caption>, void, undefined> {
    this.#expect("caption", []);
    return rowsOf(this.#verbs.captioner, (verb) => verb.rows(source, options));
  }

  /** A stream of rows `{ image, question }`, each answered in its place: see `rows` of Answerer. @throws {ModelError} `model/wrong-task` at once */
  askRows<Row extends AnswerRequest<ImageOrInput<ImageInput>>>(
    source: RowSource<Row>,
    options: RowsOptions & AskRowOptions = {},
  ): AsyncGenerator<AnsweredRow<Row, Answer>, void, undefined> {
    this.#expect("ask", []);
    return rowsOf(this.#verbs.answerer, (verb) => verb.rows(source, options));
  }

  /** A stream of rows `{ images, statement }`, each answered in its place: see `rows` of Comparer. @throws {ModelError} `model/wrong-task` at once */
  compareRows<Row extends CompareRequest<ImageOrInput<ImageInput>>>(
    source: RowSource<Row>,
    options: RowsOptions & RowCallOptions = {},
  ): AsyncGenerator<AnsweredRow<Row, CompareAnswer>, void, undefined> {
    this.#expect("compare", []);
    return rowsOf(this.#verbs.comparer, (verb) => verb.rows(source, options));
  }

  /** A stream of rows `{ image }` or `{ text }`, each answered in its place: see `rows` of Embedder. @throws {ModelError} `model/wrong-task` at once */
  embedRows<Row extends EmbedRequest<ImageOrInput<ImageInput>>>(
    source: RowSource<Row>,
    options: RowsOptions & EmbedRowOptions = {},
  ): AsyncGenerator<AnsweredRow<Row, EmbedAnswer>, void, undefined> {
    this.#expect("embed", []);
    return rowsOf(this.#verbs.embedder, (verb) => verb.rows(source, options));
  }

  /**
   * Frees the model and lets go of its images. A second call does nothing more; other calls are refused from now on
   * (`usage/disposed`).
   */
  async close(): Promise<void> {
    this.#verbs.closed = true;
    for (const image of [...this.#held]) await image.close();
    this.#cache.clear();
    await this.#base.open.close();
  }

  /** Calls `close`, for `await using`. */
  [asyncDispose](): Promise<void> {
    return this.close();
  }

  async #hold(input: ImageInput, { signal, maxPixels }: ReadImageOptions): Promise<BlipImage<ImageInput>> {
    const { images } = this.#base.processors;
    const pixels = await images.pixels(input, signal, maxPixels);
    const letGo = await this.#base.images.hold(stackPixels([pixels], images.config), { signal });
    // The model may have been closed meanwhile, with all images that there were.
    if (this.#verbs.closed) {
      letGo();
      throw modelClosed();
    }
    const release = () => {
      letGo();
      this.#held.delete(held);
    };
    const held = new BlipImage({ image: input, pixels, release }, this.#verbs);
    this.#held.add(held);
    return held;
  }

  /** What is wrong with a call is found before anything is loaded or read. */
  #expect(task: Task, images: readonly unknown[]): void {
    expectImages(images);
    this.#verbs.expect(task);
    for (const image of images) if (image instanceof BlipImage) image.expectOpen(this.#verbs);
  }
}

/** The rows of a verb that is made first. */
async function* rowsOf<Made, Row>(
  make: () => Promise<Made>,
  use: (verb: Made) => AsyncIterable<Row>,
): AsyncGenerator<Row, void, undefined> {
  yield* use(await make());
}
