// Encodes batches of texts into batches of token ids.
import type {
  CaptionBatch,
  ImageBatch,
  PairBatch,
  QuestionBatch,
  StatementBatch,
  Tokens,
} from "./batches.ts";

/** Encodes a text as [CLS], word ids, [SEP], without padding or truncation. */
export type Encode = (text: string) => Tokens;

interface Captions extends ImageBatch {
  /** The cleaned captions, one per image [B]. */
  readonly captions: readonly string[];
}

/** Encodes the pairs of `match` and `pretrain`. */
export const encodePairs = (
  batch: Captions &
    Pick<PairBatch, "imageIds"> & { readonly falseCaptions?: readonly (string | undefined)[] },
  encode: Encode,
): PairBatch => ({
  ...imagesOf(batch),
  tokens: batch.captions.map(encode),
  ...(batch.imageIds && { imageIds: batch.imageIds }),
  ...(batch.falseCaptions && {
    falseTokens: batch.falseCaptions.map((text) => (text === undefined ? undefined : encode(text))),
  }),
});

/** Encodes captions that begin with the prompt. The prompt's length does not count its [SEP]. */
export const encodeCaptions = (
  batch: Captions & { readonly prompt: string },
  encode: Encode,
): CaptionBatch => ({
  ...imagesOf(batch),
  tokens: batch.captions.map(encode),
  promptLength: encode(batch.prompt).length - 1,
});

/** Encodes questions with all their answers. */
export const encodeQuestions = (
  batch: ImageBatch & {
    readonly questions: readonly string[];
    readonly answers: readonly string[];
    readonly weights: readonly number[];
    readonly answerCounts: readonly number[];
  },
  encode: Encode,
): QuestionBatch => ({
  ...imagesOf(batch),
  questions: batch.questions.map(encode),
  answers: batch.answers.map(encode),
  weights: batch.weights,
  answerCounts: batch.answerCounts,
});

/** Encodes statements about two images each. */
export const encodeStatements = (
  batch: ImageBatch & { readonly sentences: readonly string[]; readonly labels: readonly (0 | 1)[] },
  encode: Encode,
): StatementBatch => ({
  ...imagesOf(batch),
  sentences: batch.sentences.map(encode),
  labels: batch.labels,
});

const imagesOf = ({ size, imageSize, pixels }: ImageBatch): ImageBatch => ({ size, imageSize, pixels });
