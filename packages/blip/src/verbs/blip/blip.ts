// All verbs over one model: one engine, one set of sessions and weights, and one encoding of images for all of them.
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

/** Options to load a model of several tasks. */
export interface BlipOptions extends VerbOptions {
  /**
   * The tasks to load. Default: all that the model can do. Under a memory limit, fewer tasks leave room for larger
   * batches.
   */
  readonly tasks?: readonly Task[] | undefined;
}

export const blipOptionNames = optionNames<BlipOptions>()({ ...verbOptionNames, tasks: true });

/** The images that calls accept: an input of the platform, or a held image. */
export type ImageOrInput<ImageInput> = ImageInput | BlipImage<ImageInput>;

/** The number of recent images whose states are kept although they are not held. */
const lastImages = 4;

/**
 * A model for every task that its file can do, or a suite for all of its parts. Sessions are created on first use and
 * shared by the tasks. The states of the last four images are kept, by the content of their pixel values: an image that
 * is used again, for any task, is not encoded again.
 */
export class Blip<ImageInput> implements Closable {
  readonly #base: VerbBase<ImageOrInput<ImageInput>>;
  readonly #cache: ImageCache;
  readonly #verbs: LazyVerbs<ImageOrInput<ImageInput>>;
  readonly #held = new Set<BlipImage<ImageInput>>();
  /** The number of images that are being opened. */
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

  /** Creates it over open tasks, which it then owns. */
  static async over<ImageInput>(
    platform: Pick<Platform<ImageInput>, "decodeImage" | "prepareDecoders" | "warn">,
    open: OpenTasks,
    options: VerbOptions,
  ): Promise<Blip<ImageInput>> {
    const { images: loaded } = open;
    const decoder: Pick<Platform<ImageOrInput<ImageInput>>, "decodeImage" | "prepareDecoders" | "warn"> = {
      decodeImage: (input, more) => {
        // `prepared` has already handled held images.
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

  /** The tasks that the model can do, of those that it was opened for. */
  get tasks(): readonly Task[] {
    return this.#base.open.tasks;
  }

  /**
   * Decodes and encodes an image once, for several calls. Its states are kept until it or this model is closed.
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
   * Scores every image with every text: images in order, and the texts within each image. See `Matcher.match`.
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
   * Captions images in order, with `numReturn` rows each, best first. See `Captioner.caption`.
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
   * Answers every question about every image: images in order, and the questions within each image. See `Answerer.ask`.
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
   * Judges statements about a left and a right image. See `Comparer.compare`.
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
   * Embeds images, then texts, as vectors in one space, or as all their states. See `Embedder`.
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
   * Searches images by texts, or with `by: "image"` texts by images. See `Retriever`.
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

  /**
   * Answers a stream of rows `{ image, text }` in order. See `rows` of Matcher.
   * @throws {ModelError} `model/wrong-task` at once
   */
  matchRows<Row extends MatchRequest<ImageOrInput<ImageInput>>>(
    source: RowSource<Row>,
    options: RowsOptions & RowCallOptions = {},
  ): AsyncGenerator<AnsweredRow<Row, MatchScores>, void, undefined> {
    this.#expect("match", []);
    return rowsOf(this.#verbs.matcher, (verb) => verb.rows(source, options));
  }

  /**
   * Answers a stream of rows `{ image, prompt? }` in order. See `rows` of Captioner.
   * @throws {ModelError} `model/wrong-task` at once
   */
  captionRows<Row extends CaptionRequest<ImageOrInput<ImageInput>>>(
    source: RowSource<Row>,
    options: RowsOptions & CaptionRowOptions = {},
  ): AsyncGenerator<AnsweredRow<Row, Caption>, void, undefined> {
    this.#expect("caption", []);
    return rowsOf(this.#verbs.captioner, (verb) => verb.rows(source, options));
  }

  /**
   * Answers a stream of rows `{ image, question }` in order. See `rows` of Answerer.
   * @throws {ModelError} `model/wrong-task` at once
   */
  askRows<Row extends AnswerRequest<ImageOrInput<ImageInput>>>(
    source: RowSource<Row>,
    options: RowsOptions & AskRowOptions = {},
  ): AsyncGenerator<AnsweredRow<Row, Answer>, void, undefined> {
    this.#expect("ask", []);
    return rowsOf(this.#verbs.answerer, (verb) => verb.rows(source, options));
  }

  /**
   * Answers a stream of rows `{ images, statement }` in order. See `rows` of Comparer.
   * @throws {ModelError} `model/wrong-task` at once
   */
  compareRows<Row extends CompareRequest<ImageOrInput<ImageInput>>>(
    source: RowSource<Row>,
    options: RowsOptions & RowCallOptions = {},
  ): AsyncGenerator<AnsweredRow<Row, CompareAnswer>, void, undefined> {
    this.#expect("compare", []);
    return rowsOf(this.#verbs.comparer, (verb) => verb.rows(source, options));
  }

  /**
   * Answers a stream of rows `{ image }` or `{ text }` in order. See `rows` of Embedder.
   * @throws {ModelError} `model/wrong-task` at once
   */
  embedRows<Row extends EmbedRequest<ImageOrInput<ImageInput>>>(
    source: RowSource<Row>,
    options: RowsOptions & EmbedRowOptions = {},
  ): AsyncGenerator<AnsweredRow<Row, EmbedAnswer>, void, undefined> {
    this.#expect("embed", []);
    return rowsOf(this.#verbs.embedder, (verb) => verb.rows(source, options));
  }

  /**
   * Frees the model and releases its images. A second call has no effect. Later calls of other methods are refused
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
    // The model may have been closed meanwhile, with all images that it had.
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

  /** Checks a call before anything is loaded or read. */
  #expect(task: Task, images: readonly unknown[]): void {
    expectImages(images);
    this.#verbs.expect(task);
    for (const image of images) if (image instanceof BlipImage) image.expectOpen(this.#verbs);
  }
}

/** The rows of a verb, which is created first. */
async function* rowsOf<Made, Row>(
  make: () => Promise<Made>,
  use: (verb: Made) => AsyncIterable<Row>,
): AsyncGenerator<Row, void, undefined> {
  yield* use(await make());
}
