// What objectives read: pixels, and texts as token ids.

/** Images [B, 3, S, S], normalised. */
export interface ImageBatch {
  /** B, the samples of the batch. */
  readonly size: number;
  /** [B, 3, S, S]; for statements [2 B, 3, S, S], the first images of all samples before the second ones. */
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
  /** Equal for texts of the same image [B]; if not given, every pair has an image of its own. */
  readonly imageIds?: readonly number[];
  /** A text that is false of each image, of those that have one [B]. */
  readonly falseTokens?: readonly (Tokens | undefined)[];
}

/** Captions to be learned after a prompt. */
export interface CaptionBatch extends ImageBatch {
  /** The prompt and the caption [B]. */
  readonly tokens: readonly Tokens[];
  /** Tokens of the prompt, [CLS] among them and [SEP] not: they are not learned. BLIP's has 4. */
  readonly promptLength: number;
}

/** Questions with answers. */
export interface QuestionBatch extends ImageBatch {
  /** [B] */
  readonly questions: readonly Tokens[];
  /** Distinct answers of all questions, one question behind the other [A]. */
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

/** Images of which is known what each patch shows. */
export interface PatchBatch extends ImageBatch {
  /** The kind that each patch shows [B, N - 1], row by row; -1 if that is not known. */
  readonly patches: ArrayLike<number>;
}
