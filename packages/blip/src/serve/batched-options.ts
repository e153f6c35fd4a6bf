// What `Batched` is made of and told, and what its rows are.
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

/** The models that answer; a verb without its model is refused. They stay their owner's, who closes them. */
export interface BatchedModels<ImageInput> {
  /** For `match`. Default: none. */
  readonly matcher?: Matcher<ImageInput> | undefined;
  /** For `caption`. Default: none. */
  readonly captioner?: Captioner<ImageInput> | undefined;
  /** For `ask`. Default: none. */
  readonly answerer?: Answerer<ImageInput> | undefined;
  /** For `embed`. Default: none. */
  readonly embedder?: Embedder<ImageInput> | undefined;
}

/** What a call of many pictures takes and a request does not. */
export type OfCalls = "imageBatchSize" | "maxPixels" | "onProgress" | "signal";

/** How requests wait, and what their pictures may be. */
export interface BatchedOptions extends BatcherOptions {
  /**
   * Most pixels of an image: whole, at least 1. Without it, what the model was loaded with; if that says nothing either,
   * 67,108,864 (2^26), or with `isolate: false` 178,956,970.
   */
  readonly maxPixels?: number | undefined;
  /**
   * Are images decoded in processes of their own: true unless told. Such a process is ended if an image takes longer than
   * `decodeTimeout` or far more memory than its header says, or when its caller has left; a new one takes its place. Up
   * to 4 of them start with this object. `false` decodes in this process, where nothing can stop a decoder. A page has no
   * processes, and decodes as it can.
   */
  readonly isolate?: boolean | undefined;
  /** Milliseconds that decoding an image may take (`image/too-slow`): 20,000. */
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

/** How a caption is made, and how its request waits. */
export interface CaptionRequestOptions extends Omit<CaptionOptions, OfCalls | "prompt">, RequestOptions {
  /** How the caption begins. Unless told "a picture of " under `blip` and `lavis`, nothing under `hf`. */
  readonly prompt?: string | undefined;
}

/** How an answer is made, and how its request waits. */
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

/** What is made of a picture, and how its request waits. */
export interface EmbedRequestOptions<States extends boolean = boolean> extends RequestOptions {
  /** All states instead of the unit vector. Off unless told. */
  readonly states?: States | undefined;
}

export const embedRequestNames = optionNames<EmbedRequestOptions>()({ ...requestOptionNames, states: true });

/**
 * A row about the image of a request. A path or a URL stands in it; bytes and pixels do not, as whoever sends rows on would
 * send them too.
 */
export type RequestRow<Input, Row> = Omit<Row, "image"> &
  (Input extends string | { readonly href: string }
    ? { readonly image: Input }
    : { readonly image?: undefined });

/** An answer as a row about its image, if that has a name. */
export function requestRow<Input, Answer extends object>(
  image: Input,
  answer: Answer,
): RequestRow<Input, Answer> {
  const isNamed =
    typeof image === "string" || (typeof image === "object" && image !== null && "href" in image);
  const row: unknown = isNamed ? { image, ...answer } : answer;
  // The type says the same of the kinds of images.
  return row as RequestRow<Input, Answer>;
}
