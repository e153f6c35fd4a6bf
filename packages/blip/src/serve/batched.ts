// Serving: one object that answers single requests of many callers and runs compatible requests as one batch. Its rows
// equal the verbs' rows and do not depend on the other requests of the batch.
import { BlipError, type Closable, asyncDispose, badOption, must, expectOptions } from "@blip-ts/base";
import type { Answerer, AnswerRow, AskOptions } from "../verbs/ask.ts";
import type { Captioner, CaptionOptions, CaptionRow } from "../verbs/caption.ts";
import type { EmbedAnswer, Embedder, Embedding } from "../verbs/embed.ts";
import type { ImagesOfBatch } from "../verbs/image-batches.ts";
import type { Matcher, MatchRow } from "../verbs/match.ts";
import { checkMaxPixels } from "../processor/image-processor.ts";
import { expectImages } from "../image/expect-images.ts";
import type { RowCallOptions } from "../verbs/rows.ts";
import {
  askRequestNames,
  batchedOptionNames,
  captionRequestNames,
  embedRequestNames,
  modelNames,
  requestRow,
  type AskRequestOptions,
  type BatchedModels,
  type BatchedOptions,
  type CaptionRequestOptions,
  type EmbedRequestOptions,
  type OfCalls,
  type RequestRow,
} from "./batched-options.ts";
import {
  defaultMaxBatch,
  RequestBatcher,
  requestOptionNames,
  type CloseOptions,
  type Outcome,
  type RequestOptions,
} from "./request-batcher.ts";
import { RequestImages, type ImageReader, type ImageShare } from "./request-images.ts";
import { expectTexts } from "../text/expect-texts.ts";
import { noTexts } from "../verbs/errors.ts";
import { noModelFor } from "./errors.ts";

export type {
  AskRequestOptions,
  BatchedModels,
  BatchedOptions,
  CaptionRequestOptions,
  EmbedRequestOptions,
  RequestRow,
} from "./batched-options.ts";

const defaultTimeout = 20_000;

/** A request. All requests of a batch have the same `options`. */
type Asked<ImageInput> =
  | { readonly verb: "match"; readonly image: ImageInput; readonly texts: readonly string[] }
  | {
      readonly verb: "caption";
      readonly image: ImageInput;
      readonly prompt: string | undefined;
      readonly options: Omit<CaptionOptions, OfCalls | "prompt">;
    }
  | {
      readonly verb: "ask";
      readonly image: ImageInput;
      readonly question: string;
      readonly options: Omit<AskOptions, OfCalls>;
    }
  | { readonly verb: "embedImage"; readonly image: ImageInput; readonly states: boolean }
  | { readonly verb: "embedText"; readonly text: string };

/** The answer to a request. */
interface Said {
  readonly match?: readonly Omit<MatchRow<never>, "image" | "error">[];
  readonly caption?: readonly Omit<CaptionRow<never>, "image" | "error">[];
  readonly ask?: readonly Omit<AnswerRow<never>, "image" | "error">[];
  readonly embedding?: Embedding;
}

function expected<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("a request was answered as another one");
  return value;
}

/** Converts the answers of a batch to outcomes: a value, or an error. */
const outcomes = <T>(
  answers: readonly (T | BlipError)[],
  say: (value: T, index: number) => Said,
): Outcome<Said>[] =>
  answers.map((answer, index) =>
    answer instanceof BlipError ? { error: answer } : { value: say(answer, index) },
  );

const embeddingOf = (rows: readonly EmbedAnswer[]): Said => ({ embedding: must(rows, 0).embedding });

/** Scores images with their texts in one batch, one row per text. If a text fails, its whole request gets the error. */
async function matched<ImageInput>(
  requests: readonly { readonly image: ImageInput; readonly texts: readonly string[] }[],
  matcher: Matcher<ImageInput>,
  options: RowCallOptions & { readonly ahead: ImagesOfBatch<ImageInput> },
): Promise<Outcome<Said>[]> {
  const rows = requests.flatMap(({ image, texts }) => texts.map((text) => ({ image, text })));
  const answers = await matcher.answerEach(rows, options);
  let next = 0;
  const scored = requests.map(({ texts }) => {
    const own = texts.map((text) => ({ text, answer: must(answers, next++, "answers") }));
    const failed = own.find(({ answer }) => answer instanceof BlipError)?.answer;
    if (failed instanceof BlipError) return failed;
    return own.flatMap(({ text, answer }) =>
      answer instanceof BlipError ? [] : answer.map((scores) => ({ text, ...scores })),
    );
  });
  return outcomes(scored, (match) => ({ match }));
}

/** Runs verbs for many concurrent callers: computes requests that arrive together in one batch. Callers take turns. */
export class Batched<ImageInput> implements Closable {
  readonly #models: BatchedModels<ImageInput>;
  readonly #batcher: RequestBatcher<Asked<ImageInput>, Said>;
  readonly #images: RequestImages<ImageInput>;
  /** The last question's group. It is shared between requests because it is long if it contains a list of answers. */
  #askGroup = "";

  /** @throws {UsageError} `usage/bad-option` */
  constructor(models: BatchedModels<ImageInput>, batching: BatchedOptions = {}) {
    expectOptions<BatchedModels<ImageInput>>("the models of Batched", models, modelNames);
    expectOptions("Batched", batching, batchedOptionNames);
    const { maxPixels, isolate = true, decodeTimeout = defaultTimeout, ...options } = batching;
    checkMaxPixels(maxPixels);
    if (!Number.isSafeInteger(decodeTimeout) || decodeTimeout < 1)
      throw badOption("decodeTimeout", decodeTimeout, ["a whole number of at least 1"]);
    this.#models = models;
    this.#batcher = new RequestBatcher((requests, _group, signal) => this.#run(requests, signal), options, {
      prepare: (request, caller) => this.#prepare(request, caller),
      expected: () => this.#images.expected(),
    });
    const reading = { maxPixels, isolate, timeout: decodeTimeout };
    // Allow the images of the running batch and of the next batch.
    this.#images = new RequestImages(reading, 2 * (options.maxBatch ?? defaultMaxBatch));
    if (isolate)
      for (const model of Object.values<Partial<ImageReader<ImageInput>> | undefined>({ ...models }))
        model?.prepareDecoders?.();
  }

  /** The number of waiting requests. */
  get waiting(): number {
    return this.#batcher.waiting;
  }

  /**
   * Matches an image with each of several texts. Rows have `image` only if it is a path or a URL.
   * @throws {UsageError} `usage/no-texts`, `text/empty`, `batch/...` @throws {InputError} `text/...`, `image/...`
   */
  async match<Input extends ImageInput>(
    image: Input,
    texts: readonly string[],
    options: RequestOptions = {},
  ): Promise<RequestRow<Input, MatchRow<Input>>[]> {
    // Check the request before it is queued, so that an invalid request does not fail a batch.
    expectOptions("match", options, requestOptionNames);
    expectImages([image]);
    expectTexts(texts);
    if (texts.length === 0) throw noTexts();
    this.#matcher.processors.texts.encode(texts);
    const { match } = await this.#batcher.submit({ verb: "match", image, texts }, "match", options);
    return expected(match).map((row) => requestRow(image, row));
  }

  /**
   * Captions an image. Returns `numReturn` rows, best first. Rows have `image` only if it is a path or a URL.
   * @throws {UsageError} `generate/...`, `usage/...`, `batch/...` @throws {InputError} `text/...`, `image/...`
   */
  async caption<Input extends ImageInput>(
    image: Input,
    requestOptions: CaptionRequestOptions = {},
  ): Promise<RequestRow<Input, CaptionRow<Input>>[]> {
    expectOptions("caption", requestOptions, captionRequestNames);
    expectImages([image]);
    const { prompt, signal, caller, whenFull, ...options } = requestOptions;
    this.#captioner.check({ prompt }, options);
    const group = `caption ${JSON.stringify(options)}`;
    const request = { verb: "caption" as const, image, prompt, options };
    const { caption } = await this.#batcher.submit(request, group, { signal, caller, whenFull });
    return expected(caption).map((row) => requestRow(image, row));
  }

  /**
   * Answers a question about an image. Returns `numReturn` rows, best first, or with `answers` the best answer of the
   * list. Rows have `image` only if it is a path or a URL.
   * @throws {UsageError} `text/empty`, `generate/...`, `usage/...`, `batch/...`
   * @throws {InputError} `text/...`, `image/...`
   */
  async ask<Input extends ImageInput>(
    image: Input,
    question: string,
    requestOptions: AskRequestOptions = {},
  ): Promise<RequestRow<Input, AnswerRow<Input>>[]> {
    expectOptions("ask", requestOptions, askRequestNames);
    expectImages([image]);
    const { signal, caller, whenFull, ...options } = requestOptions;
    this.#answerer.check({ question }, options);
    const group = `ask ${JSON.stringify(options)}`;
    if (group !== this.#askGroup) this.#askGroup = group;
    const request = { verb: "ask" as const, image, question, options };
    const { ask } = await this.#batcher.submit(request, this.#askGroup, { signal, caller, whenFull });
    return expected(ask).map((row) => requestRow(image, row));
  }

  /**
   * Embeds an image as a vector of unit length; with `states`, returns all its states [N, D'].
   * @throws {UsageError} `batch/...` @throws {InputError} `image/...`
   */
  async embedImage<States extends boolean = false>(
    image: ImageInput,
    requestOptions: EmbedRequestOptions<States> = {},
  ): Promise<Embedding<States>> {
    expectOptions<EmbedRequestOptions>("embedImage", requestOptions, embedRequestNames);
    expectImages([image]);
    const { states, ...options } = requestOptions;
    modelFor("embed", "embedder", this.#models.embedder);
    const all = states === true;
    const request = { verb: "embedImage" as const, image, states: all };
    // The type of `states`, States, determines the type of the embedding.
    return (await this.#embed(request, `embedImage ${all}`, options)) as Embedding<States>;
  }

  /**
   * Embeds a text as a vector of unit length. @throws {UsageError} `text/empty`, `batch/...` @throws {InputError}
   * `text/...`
   */
  async embedText(text: string, options: RequestOptions = {}): Promise<Embedding<false>> {
    expectOptions("embedText", options, requestOptionNames);
    this.#embedder.check({ text });
    return (await this.#embed({ verb: "embedText", text }, "embedText", options)) as Embedding<false>;
  }

  /**
   * Accepts no more requests. Answers the waiting requests, or rejects them if `options.waiting` is `reject`. The
   * models stay loaded; their owner closes them afterwards.
   * @throws {UsageError} `usage/bad-option`
   */
  close(options?: CloseOptions): Promise<void> {
    return this.#batcher.close(options);
  }

  /**
   * Accepts no more requests, cancels the running batch, and rejects all unanswered requests. Resolves when nothing is
   * running.
   * @param reason the requests' rejection reason; by default a UsageError `batch/closed`
   */
  abort(reason?: unknown): Promise<void> {
    return this.#batcher.abort(reason);
  }

  /** Calls `close`, for `await using`. Waiting requests are answered. */
  [asyncDispose](): Promise<void> {
    return this.close();
  }

  async #embed(request: Asked<ImageInput>, group: string, options: RequestOptions): Promise<Embedding> {
    const { embedding } = await this.#batcher.submit(request, group, options);
    return expected(embedding);
  }

  /** Starts reading the image of a request. */
  #prepare(request: Asked<ImageInput>, caller: string): ImageShare | undefined {
    const reader = this.#imageModel(request.verb);
    return reader && "image" in request ? this.#images.share(request.image, reader, caller) : undefined;
  }

  #imageModel(verb: Asked<ImageInput>["verb"] | undefined): ImageReader<ImageInput> | undefined {
    const { matcher, captioner, answerer, embedder } = this.#models;
    switch (verb) {
      case "match":
        return matcher;
      case "caption":
        return captioner;
      case "ask":
        return answerer;
      case "embedImage":
        return embedder;
      case "embedText":
      case undefined:
        return undefined;
    }
  }

  /** Runs a batch of requests, all of one verb and with the same options. */
  async #run(requests: readonly Asked<ImageInput>[], signal: AbortSignal): Promise<Outcome<Said>[]> {
    const [first] = requests;
    const imageOptions = (reader: ImageReader<ImageInput>) => ({
      signal,
      ahead: { read: (image: ImageInput) => this.#images.read(image, reader) },
    });
    switch (first?.verb) {
      case undefined:
        return [];
      case "match": {
        const matcher = this.#matcher;
        return matched(only(requests, "match"), matcher, imageOptions(matcher));
      }
      case "caption": {
        const captioner = this.#captioner;
        const options = { ...first.options, ...imageOptions(captioner) };
        const captions = await captioner.answerEach(only(requests, "caption"), options);
        return outcomes(captions, (caption) => ({ caption }));
      }
      case "ask": {
        const answerer = this.#answerer;
        const options = { ...first.options, ...imageOptions(answerer) };
        const asked = only(requests, "ask");
        const answers = await answerer.answerEach(asked, options);
        return outcomes(answers, (rows, index) => ({
          ask: rows.map((row) => ({ question: must(asked, index).question, ...row })),
        }));
      }
      case "embedImage": {
        const embedder = this.#embedder;
        const options = { states: first.states, ...imageOptions(embedder) };
        const images = only(requests, "embedImage").map(({ image }) => ({ image }));
        return outcomes(await embedder.answerEach(images, options), embeddingOf);
      }
      case "embedText": {
        const texts = only(requests, "embedText").map(({ text }) => ({ text }));
        return outcomes(await this.#embedder.answerEach(texts, { signal }), embeddingOf);
      }
    }
  }

  get #matcher(): Matcher<ImageInput> {
    return modelFor("match", "matcher", this.#models.matcher);
  }

  get #captioner(): Captioner<ImageInput> {
    return modelFor("caption", "captioner", this.#models.captioner);
  }

  get #answerer(): Answerer<ImageInput> {
    return modelFor("ask", "answerer", this.#models.answerer);
  }

  get #embedder(): Embedder<ImageInput> {
    return modelFor("embed", "embedder", this.#models.embedder);
  }
}

/** @throws {UsageError} `batch/no-model` */
function modelFor<Model>(verb: string, name: string, model: Model | undefined): Model {
  if (model === undefined) throw noModelFor(verb, name);
  return model;
}

/** Narrows the type of a batch's requests to one verb; a batch has only one verb. */
function only<ImageInput, Verb extends Asked<ImageInput>["verb"]>(
  requests: readonly Asked<ImageInput>[],
  verb: Verb,
) {
  return requests.filter(
    (request): request is Extract<Asked<ImageInput>, { verb: Verb }> => request.verb === verb,
  );
}
