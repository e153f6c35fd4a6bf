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
 * The models that answer requests; a verb without its model is rejected. The caller owns the models and closes them.
 */
export interface BatchedModels<ImageInput> {
  /** For `match`; none by default. */
  readonly matcher?: Matcher<ImageInput> | undefined;
  /** For `caption`; none by default. */
  readonly captioner?: Captioner<ImageInput> | undefined;
  /** For `ask`; none by default. */
  readonly answerer?: Answerer<ImageInput> | undefined;
  /** For `embed`; none by default. */
  readonly embedder?: Embedder<ImageInput> | undefined;
}

/** Options of a call with many images that a request does not have. */
export type OfCalls = "imageBatchSize" | "maxPixels" | "onProgress" | "signal";

/** Options of the queue, and limits on the requests' images. */
export interface BatchedOptions extends BatcherOptions {
  /**
   * The most pixels of an image, a whole number of at least 1. By default the limit that the model was loaded with;
   * without one, 67,108,864 (2^26), or with `isolate: false` 178,956,970.
   */
  readonly maxPixels?: number | undefined;
  /**
   * Decodes images in processes of their own; true by default. A process is killed if an image takes longer than
   * `decodeTimeout` or far more memory than its header declares, or when its caller has left; a new process replaces
   * it. Up to 4 of them start with this object. `false` decodes in this process, where nothing can stop a decoder. A
   * page has no processes and ignores this option.
   */
  readonly isolate?: boolean | undefined;
  /** The time limit of decoding an image, in milliseconds (`image/too-slow`); by default 20,000. */
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

/** Options of a caption, and of its request. */
export interface CaptionRequestOptions extends Omit<CaptionOptions, OfCalls | "prompt">, RequestOptions {
  /** The beginning of the caption. By default "a picture of " under `blip` and `lavis`, and none under `hf`. */
  readonly prompt?: string | undefined;
}

/** Options of an answer, and of its request. */
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

/** Options of an embedding, and of its request. */
export interface EmbedRequestOptions<States extends boolean = boolean> extends RequestOptions {
  /** Returns all states instead of the unit vector. Off by default. */
  readonly states?: States | undefined;
}

export const embedRequestNames = optionNames<EmbedRequestOptions>()({ ...requestOptionNames, states: true });

/**
 * A row about a request's image. It contains the image if that is a path or a URL. It does not contain bytes or pixels,
 * because forwarding the rows would forward those too.
 */
export type RequestRow<Input, Row> = Omit<Row, "image"> &
  (Input extends string | { readonly href: string }
    ? { readonly image: Input }
    : { readonly image?: undefined });

/** Makes an answer a row about its image, if the image has a name. */
export function requestRow<Input, Answer extends object>(
  image: Input,
  answer: Answer,
): RequestRow<Input, Answer> {
  const isNamed =
    typeof image === "string" || (typeof image === "object" && image !== null && "href" in image);
  const row: unknown = isNamed ? { image, ...answer } : answer;
  // The type makes the same distinction between kinds of images.
  return row as RequestRow<Input, Answer>;
}
