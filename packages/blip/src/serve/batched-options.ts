// The models, options and rows of `Batched`.
import { optionNames, withoutNames } from "@blip-ts/base";
import { askOptionNames, type Answerer, type AskOptions } from "../verbs/ask.ts";
import type { Captioner, CaptionOptions } from "../verbs/caption.ts";
import { captionOptionNames } from "../verbs/caption-types.ts";
import type { Embedder } from "../verbs/embed.ts";
import type { Matcher } from "../verbs/match.ts";
import {
  batcherOptionNames,
  requestOptionNames,
  type BatcherOptions,
  type RequestOptions,
} from "./request-batcher.ts";

/**
 * The models that answer requests. A call of a verb without a model throws `batch/no-model`. The caller owns the models
 * and closes them.
 */
export interface BatchedModels<ImageInput> {
  /** The model for `match`; none by default. */
  readonly matcher?: Matcher<ImageInput> | undefined;
  /** The model for `caption`; none by default. */
  readonly captioner?: Captioner<ImageInput> | undefined;
  /** The model for `ask`; none by default. */
  readonly answerer?: Answerer<ImageInput> | undefined;
  /** The model for `embed`; none by default. */
  readonly embedder?: Embedder<ImageInput> | undefined;
}

/** Options of a verb's call that a single request does not have. */
export type OfCalls = "imageBatchSize" | "maxPixels" | "onProgress" | "signal";

/** Options of the queue, and limits on the requests' images. */
export interface BatchedOptions extends BatcherOptions {
  /**
   * The most pixels of an image, a whole number of at least 1. By default the limit that the model was loaded with. If
   * the model has no limit, 67,108,864 (2^26), or 178,956,970 with `isolate: false`.
   */
  readonly maxPixels?: number | undefined;
  /**
   * Decodes images in child processes; true by default. A child process is killed if an image takes longer than
   * `decodeTimeout` or far more memory than its header declares, or if the caller cancels the request. A new process
   * replaces it. The constructor starts up to 4 child processes. `false` decodes in this process, where a decoder
   * cannot be stopped. A page cannot start processes and ignores this option.
   */
  readonly isolate?: boolean | undefined;
  /** The time limit for decoding an image, in milliseconds; by default 20,000. Exceeding it throws `image/too-slow`. */
  readonly decodeTimeout?: number | undefined;
}

export const modelNames = optionNames<BatchedModels<unknown>>()({
  matcher: true,
  captioner: true,
  answerer: true,
  embedder: true,
});

export const batchedOptionNames = optionNames<BatchedOptions>()({
  ...batcherOptionNames,
  maxPixels: true,
  isolate: true,
  decodeTimeout: true,
});

/** Options of a caption request. */
export interface CaptionRequestOptions extends Omit<CaptionOptions, OfCalls | "prompt">, RequestOptions {
  /** The text that the caption begins with. By default "a picture of " under `blip` and `lavis`, none under `hf`. */
  readonly prompt?: string | undefined;
}

/** Options of a request to answer a question. */
export interface AskRequestOptions extends Omit<AskOptions, OfCalls>, RequestOptions {}

const ofCalls = ["imageBatchSize", "maxPixels", "onProgress", "signal"] as const satisfies readonly OfCalls[];

export const captionRequestNames = optionNames<CaptionRequestOptions>()({
  ...withoutNames(captionOptionNames, ...ofCalls),
  ...requestOptionNames,
});

export const askRequestNames = optionNames<AskRequestOptions>()({
  ...withoutNames(askOptionNames, ...ofCalls),
  ...requestOptionNames,
});

/** Options of an embedding request. */
export interface EmbedRequestOptions<States extends boolean = boolean> extends RequestOptions {
  /** Returns all states instead of the unit vector. Default: false. */
  readonly states?: States | undefined;
}

export const embedRequestNames = optionNames<EmbedRequestOptions>()({ ...requestOptionNames, states: true });

/**
 * A result row about a request's image. It contains the image if the image is a path or a URL. It never contains bytes
 * or pixels, because forwarding the row would forward them too.
 */
export type RequestRow<Input, Row> = Omit<Row, "image"> &
  (Input extends string | { readonly href: string }
    ? { readonly image: Input }
    : { readonly image?: undefined });

/** Adds the image to an answer, if the image is a path or a URL. */
export function requestRow<Input, Answer extends object>(
  image: Input,
  answer: Answer,
): RequestRow<Input, Answer> {
  const isNamed =
    typeof image === "string" || (typeof image === "object" && image !== null && "href" in image);
  const row: unknown = isNamed ? { image, ...answer } : answer;
  // RequestRow makes the same distinction in its type.
  return row as RequestRow<Input, Answer>;
}
