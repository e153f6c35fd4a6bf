// The batches of objectives: pixels, and texts as token ids.

/** Images [B, 3, S, S], normalised. */
export interface ImageBatch {
  /** B, the number of samples. */
  readonly size: number;
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
  /** Equal for texts of the same image [B]. By default every pair has its own image. */
  readonly imageIds?: readonly number[];
  /** A false text of each image, for the images that have one [B]. */
  readonly falseTokens?: readonly (Tokens | undefined)[];
}

/** Captions to train on, after a prompt. */
export interface CaptionBatch extends ImageBatch {
  /** The prompt and the caption [B]. */
  readonly tokens: readonly Tokens[];
  /** The prompt's tokens, with [CLS] and without [SEP]. They are not predicted. BLIP's prompt has 4. */
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
  /** Answers per question [B]; they add up to A. */
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
