// Runs both models on a stream of images in batches. Images are decoded while the previous batch is processed. Each
// image is encoded once (or once per model) and captioned with its own seed. Its web and synthetic texts are scored
// together.
import { BlipError, must } from "@blip-ts/base";
import type { Tensor } from "@blip-ts/graph";
import type { GenerationOptions } from "../decode/options.ts";
import { stackPixels } from "../processor/image-processor.ts";
import { orNotFinite } from "../run/finite.ts";
import type { Caption, Captioner } from "../verbs/caption.ts";
import { readPixels, type ReadImage, type ReadImageOptions } from "../verbs/image-batches.ts";
import type { Matcher } from "../verbs/match.ts";
import type { CapFiltModels } from "./models.ts";
import { defaults, type DrawingOptions } from "./options.ts";

/** An image with its texts and its seed. */
export interface ScoreRequest<ImageInput> {
  readonly image: ImageInput;
  /** The texts to score, possibly none. */
  readonly texts: readonly string[];
  /** The seed of the caption's draw. */
  readonly seed: number;
}

/** The ITM probability of a text, 0 to 1; null if the text is too long, or cleaning leaves no token of it. */
export type Probability = number | null;

export interface Scores {
  /** The probabilities of the texts in order; empty without a filter. */
  readonly web: readonly Probability[];
  /** The drawn caption; undefined without a captioner. Its probability is null without a filter. */
  readonly synthetic: (Caption & { readonly probability: Probability }) | undefined;
}

/** A batch of requests, with an error in place of each row that cannot be processed. */
export type ScoreBatch<ImageInput> = readonly (ScoreRequest<ImageInput> | BlipError)[];

/** The generation options for drawing a caption. All other options keep the defaults of `compat`. */
export const drawing = ({
  topP = defaults.topP,
  minLength,
  maxLength,
}: DrawingOptions): GenerationOptions => ({
  ...{ sample: true, topP },
  ...(minLength === undefined ? {} : { minLength }),
  ...(maxLength === undefined ? {} : { maxLength }),
});

/** The pixel values for both models. */
interface Pixels {
  readonly first: Tensor<"float32">;
  readonly second: Tensor<"float32">;
}

export interface ScorerOptions
  extends Pick<DrawingOptions, "topP" | "minLength" | "maxLength" | "prompt">, ReadImageOptions {}

export class Scorer<ImageInput> {
  readonly #models: CapFiltModels<ImageInput>;
  readonly #options: ScorerOptions;

  constructor(models: CapFiltModels<ImageInput>, options: ScorerOptions) {
    this.#models = models;
    this.#options = options;
  }

  /** The model whose processor reads images, plus the filter if the filter's processor differs. */
  get #readers(): readonly [Captioner<ImageInput> | Matcher<ImageInput>, Matcher<ImageInput>?] {
    const { captioner, filter } = this.#models;
    const first = captioner ?? filter;
    if (!first) throw new Error("there is neither a captioner nor a filter");
    if (!captioner || !filter || this.#alike) return [first];
    return [captioner, filter];
  }

  /** Whether both models get the same pixel values. */
  get #alike(): boolean {
    const { captioner, filter, shared } = this.#models;
    if (shared || !captioner || !filter) return true;
    const [one, other] = [captioner.processors.images, filter.processors.images];
    return JSON.stringify(one.config) === JSON.stringify(other.config);
  }

  /**
   * Scores batches in order.
   * @returns the scores of each batch's rows, or their errors
   * @throws the source's error, after all earlier batches @throws the signal's reason
   */
  async *batches(
    source: AsyncIterable<ScoreBatch<ImageInput>>,
  ): AsyncGenerator<readonly (Scores | BlipError)[], void, undefined> {
    const iterator = source[Symbol.asyncIterator]();
    const ahead = async () => {
      const next = await iterator.next();
      return next.done === true ? undefined : { batch: next.value, read: await this.#read(next.value) };
    };
    try {
      let next = ahead();
      for (;;) {
        const current = await next;
        if (!current) return;
        this.#options.signal?.throwIfAborted();
        next = ahead();
        // If this batch fails, nothing awaits the next batch, so avoid an unhandled rejection.
        next.catch(() => undefined);
        yield await this.#score(current.batch, current.read);
      }
    } finally {
      await iterator.return?.();
    }
  }

  /** Reads the pixels of each row. A row that fails gets an error. */
  #read(batch: ScoreBatch<ImageInput>): Promise<readonly ReadImage[]> {
    const [first, second] = this.#readers;
    const { signal, maxPixels } = this.#options;
    return Promise.all(
      batch.map((row) =>
        row instanceof BlipError
          ? Promise.resolve(row)
          : readPixels(row.image, first.processors.images, second?.processors.images, { signal, maxPixels }),
      ),
    );
  }

  async #score(
    batch: ScoreBatch<ImageInput>,
    read: readonly ReadImage[],
  ): Promise<readonly (Scores | BlipError)[]> {
    const requests: ScoreRequest<ImageInput>[] = [];
    const images: Exclude<ReadImage, BlipError>[] = [];
    batch.forEach((row, index) => {
      const own = must(read, index, "images");
      if (row instanceof BlipError || own instanceof BlipError) return;
      requests.push(row);
      images.push(own);
    });
    const answers =
      images.length === 0 ? [] : await orNotFinite(() => this.#answers(requests, this.#stack(images)));
    let next = 0;
    return read.map((own) => {
      if (own instanceof BlipError) return own;
      return answers instanceof BlipError ? answers : must(answers, next++, "scores");
    });
  }

  #stack(images: readonly Exclude<ReadImage, BlipError>[]): Pixels {
    const [{ processors }, other] = this.#readers;
    const first = stackPixels(
      images.map(([pixels]) => pixels),
      processors.images.config,
    );
    if (!other) return { first, second: first };
    const second = images.flatMap(([, pixels]) => pixels ?? []);
    return { first, second: stackPixels(second, other.processors.images.config) };
  }

  /** Computes the scores of readable images. */
  async #answers(
    requests: readonly ScoreRequest<ImageInput>[],
    { first, second }: Pixels,
  ): Promise<readonly (Scores | BlipError)[]> {
    const { captioner, filter, shared } = this.#models;
    const { signal } = this.#options;
    const states = await captioner?.model.images.states(first, { signal });
    const captions = captioner && states ? await this.#captions(captioner, states, requests) : undefined;
    if (!filter) return requests.map((_, row) => scoresOf([], must(captions ?? [], row, "captions"), null));
    const seen = shared && states ? states : await filter.model.images.states(second, { signal });
    return probabilities(filter, seen, requests, captions, signal);
  }

  async #captions(
    captioner: Captioner<ImageInput>,
    states: Tensor<"float32">,
    requests: readonly ScoreRequest<ImageInput>[],
  ): Promise<readonly (Caption | BlipError)[]> {
    const { signal, prompt } = this.#options;
    const own = requests.map(({ seed }) => ({ seed, prompt }));
    const answers = await captioner.captionsOf(states, own, { ...drawing(this.#options), signal });
    return answers.map((rows) => (rows instanceof BlipError ? rows : must(rows, 0, "captions of an image")));
  }
}

const scoresOf = (
  web: readonly Probability[],
  caption: Caption | BlipError | undefined,
  probability: Probability,
): Scores | BlipError =>
  caption instanceof BlipError ? caption : { web, synthetic: caption && { ...caption, probability } };

/** Scores the collected and synthetic texts of all images in one call. */
async function probabilities<ImageInput>(
  filter: Matcher<ImageInput>,
  states: Tensor<"float32">,
  requests: readonly ScoreRequest<ImageInput>[],
  captions: readonly (Caption | BlipError)[] | undefined,
  signal: AbortSignal | undefined,
): Promise<readonly (Scores | BlipError)[]> {
  const ofImages = requests.map(({ texts }, image) => {
    const caption = captions && must(captions, image, "captions");
    const drawn = caption && !(caption instanceof BlipError) ? [caption.caption] : [];
    return [...texts, ...drawn].map((text) => ({ text, image }));
  });
  const answers = await filter.probabilitiesOf(states, ofImages.flat(), { signal });
  let next = 0;
  return requests.map(({ texts }, image) => {
    const own = must(ofImages, image).map(() => must(answers, next++, "probabilities"));
    const failure = own.find((value) => value instanceof BlipError);
    if (failure instanceof BlipError) return failure;
    const finite = own.flatMap((value) => (value instanceof BlipError ? [] : [value]));
    const caption = captions && must(captions, image, "captions");
    const [probability = null] = finite.slice(texts.length);
    return scoresOf(finite.slice(0, texts.length), caption, probability);
  });
}
