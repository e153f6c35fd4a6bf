// The batches of objectives: pixels, and texts as token ids.

/** Images [B, 3, S, S], normalised. */
export interface ImageBatch {
  /** B, the number of samples. */
  readonly size: number;
  /** The number of samples that count: the first ones. The others only fill the batch. Default: all. */
  readonly counted?: number;
  /** [B, 3, S, S]; for statements [2 B, 3, S, S], first the left images of all samples, then the right ones. */
  readonly pixels: Float32Array;
  /** S, in pixels. */
  readonly imageSize: number;
}

/** Token ids of a text without padding: [CLS], words, [SEP]. */
export type Tokens = readonly number[];

/** An image and a text that belong together. */
export interface PairBatch extends ImageBatch {
  /** [B] */
  readonly tokens: readonly Tokens[];
  /** The image's id [B], equal for texts of the same image. By default, every pair has a different image. */
  readonly imageIds?: readonly number[];
  /** A false text per image [B]; undefined for images without one. */
  readonly falseTokens?: readonly (Tokens | undefined)[];
}

/** Captions to train on, each preceded by a prompt. */
export interface CaptionBatch extends ImageBatch {
  /** The prompt and the caption [B]. */
  readonly tokens: readonly Tokens[];
  /** The number of the prompt's tokens, with [CLS], without [SEP]: 4 for BLIP's. Their prediction is not trained. */
  readonly promptLength: number;
}

/** Questions with answers. */
export interface QuestionBatch extends ImageBatch {
  /** [B] */
  readonly questions: readonly Tokens[];
  /** The distinct answers of all questions, in the order of the questions [A]. */
  readonly answers: readonly Tokens[];
  /** The weight of each answer [A]. */
  readonly weights: readonly number[];
  /** The number of answers per question [B]; the sum is A. */
  readonly answerCounts: readonly number[];
}

/** Statements about two images. */
export interface StatementBatch extends ImageBatch {
  /** [B] */
  readonly sentences: readonly Tokens[];
  /** 1 if the statement is true [B]. */
  readonly labels: readonly (0 | 1)[];
}

/** Images with the names of their patches. */
export interface PatchBatch extends ImageBatch {
  /** The kind of each patch [B, N - 1], row by row; -1 if unknown. */
  readonly patches: ArrayLike<number>;
}
