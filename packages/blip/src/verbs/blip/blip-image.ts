// An image for several calls: it is decoded and encoded once, and every call about it shares its states.
import { BlipError, type Closable, asyncDispose, must, expectOptions, withoutNames } from "@blip-ts/base";
import { captionOptionNames } from "../caption-types.ts";
import { runOptionNames } from "@blip-ts/engine";
import type { Task } from "../../tasks/task.ts";
import { type AnswerRow, type Answerer, type AskOptions, askOptionNames } from "../ask.ts";
import type { CaptionOptions, Captioner, CaptionRow } from "../caption.ts";
import { type Embedder, type Embedding, type EmbedOptions, embedOptionNames } from "../embed.ts";
import { foreignImage, imageClosed } from "./errors.ts";
import type { VerbCallOptions } from "../image-batches.ts";
import type { Matcher, MatchRow } from "../match.ts";
import { expectTexts } from "../../text/expect-texts.ts";
import { noTexts } from "../errors.ts";

/** Options that do not apply to an image that is already read. */
type OfReading = Exclude<keyof VerbCallOptions, "signal">;
const ofReading = ["imageBatchSize", "maxPixels", "onProgress"] as const satisfies readonly OfReading[];

/** The verbs of the model that an image was prepared for. */
export interface ImageVerbs<ImageInput> {
  /** @throws {ModelError} `model/wrong-task` @throws {UsageError} `usage/disposed` */
  expect(task: Task): void;
  readonly matcher: () => Promise<Matcher<ImageInput>>;
  readonly captioner: () => Promise<Captioner<ImageInput>>;
  readonly answerer: () => Promise<Answerer<ImageInput>>;
  readonly embedder: () => Promise<Embedder<ImageInput>>;
}

/** The parts of a held image: its pixel values [3, S, S], and the function that releases its states. */
export interface HeldImage<ImageInput> {
  readonly image: ImageInput;
  readonly pixels: Float32Array;
  readonly release: () => void;
}

/** The answers to a request. @throws the error of the request */
function answersOrError<Answer>(answers: readonly Answer[] | BlipError | undefined): readonly Answer[] {
  if (answers instanceof BlipError) throw answers;
  if (!answers) throw new Error("a request has no answer");
  return answers;
}

/**
 * An image from `blip.image(input)`. Its states are computed once and kept until it is closed. Calls of its model
 * accept it instead of an input.
 */
export class BlipImage<ImageInput> implements Closable {
  /** The original input. */
  readonly image: ImageInput;
  readonly #verbs: ImageVerbs<ImageInput | BlipImage<ImageInput>>;
  #held: HeldImage<ImageInput> | undefined;

  constructor(held: HeldImage<ImageInput>, verbs: ImageVerbs<ImageInput | BlipImage<ImageInput>>) {
    this.image = held.image;
    this.#held = held;
    this.#verbs = verbs;
  }

  /** @throws {UsageError} `usage/foreign-image` if it belongs to another model, `usage/disposed` if it was closed */
  expectOpen(verbs: ImageVerbs<ImageInput | BlipImage<ImageInput>>): void {
    if (this.#verbs !== verbs) throw foreignImage();
    if (!this.#held) throw imageClosed();
  }

  /** The pixel values for the model [3, S, S]. @throws {UsageError} `usage/disposed` */
  get pixels(): Float32Array {
    if (!this.#held) throw imageClosed();
    return this.#held.pixels;
  }

  /**
   * Scores the image with each text.
   * @returns one row per text, in order
   * @throws {UsageError} `usage/no-texts`, `text/empty`, `usage/disposed` @throws {InputError} `text/too-long`
   * @throws {ModelError} `model/wrong-task`, `model/not-finite` @throws the signal's reason
   */
  async match(
    texts: readonly string[],
    options: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<MatchRow<ImageInput>[]> {
    expectOptions("match", options, runOptionNames);
    const { signal } = options;
    this.#expect("match");
    expectTexts(texts);
    if (texts.length === 0) throw noTexts();
    const matcher = await this.#verbs.matcher();
    // All texts are checked before any other work, so that an empty one is reported first.
    for (const text of texts) matcher.check({ text });
    const requests = texts.map((text) => ({ image: this, text }));
    const answers = await matcher.answerEach(requests, { signal });
    return texts.map((text, index) => ({
      image: this.image,
      text,
      ...must(answersOrError(answers[index]), 0),
    }));
  }

  /**
   * Captions the image: `numReturn` rows, best first.
   * @throws {UsageError} `generate/...`, `usage/bad-option`, `usage/disposed` @throws {InputError} `text/too-long`
   * @throws {ModelError} `model/wrong-task`, `model/not-finite` @throws the signal's reason
   */
  async caption({
    prompt,
    ...options
  }: Omit<CaptionOptions, OfReading | "prompt"> & { readonly prompt?: string | undefined } = {}): Promise<
    CaptionRow<ImageInput>[]
  > {
    expectOptions("caption", options, withoutNames(captionOptionNames, ...ofReading, "prompt"));
    this.#expect("caption");
    const captioner = await this.#verbs.captioner();
    captioner.check({ prompt }, options);
    const [captions] = await captioner.answerEach([{ image: this, prompt }], options);
    return answersOrError(captions).map((row) => ({ image: this.image, ...row }));
  }

  /**
   * Answers a question about the image: `numReturn` rows, best first; with `answers` the best of the list.
   * @throws {UsageError} `text/empty`, `generate/...`, `usage/...` @throws {InputError} `text/too-long`
   * @throws {ModelError} `model/wrong-task`, `model/not-finite` @throws the signal's reason
   */
  async ask(question: string, options: Omit<AskOptions, OfReading> = {}): Promise<AnswerRow<ImageInput>[]> {
    expectOptions("ask", options, withoutNames(askOptionNames, ...ofReading));
    this.#expect("ask");
    const answerer = await this.#verbs.answerer();
    answerer.check({ question }, options);
    const [answers] = await answerer.answerEach([{ image: this, question }], options);
    return answersOrError(answers).map((row) => ({ image: this.image, question, ...row }));
  }

  /**
   * The image as a vector of unit length, or with `states` as all its states [N, D].
   * @throws {UsageError} `usage/disposed` @throws {ModelError} `model/wrong-task`, `model/not-finite`
   * @throws the signal's reason
   */
  async embed<States extends boolean = false>(
    options: Pick<EmbedOptions<States>, "states" | "signal"> = {},
  ): Promise<Embedding<States>> {
    expectOptions<Pick<EmbedOptions, "states" | "signal">>(
      "embed",
      options,
      withoutNames(embedOptionNames, ...ofReading),
    );
    this.#expect("embed");
    const embedder = await this.#verbs.embedder();
    const [answers] = await embedder.answerEach([{ image: this }], options);
    // `states` has the type States, which distinguishes the two.
    return must(answersOrError(answers), 0).embedding as Embedding<States>;
  }

  /**
   * Releases the image's states. Running calls finish; later ones are refused (`usage/disposed`). A second call has no
   * effect.
   */
  close(): Promise<void> {
    this.#held?.release();
    this.#held = undefined;
    return Promise.resolve();
  }

  /** Calls `close`, for `await using`. */
  [asyncDispose](): Promise<void> {
    return this.close();
  }

  #expect(task: Task): void {
    this.#verbs.expect(task);
    if (!this.#held) throw imageClosed();
  }
}
