// Error factories for a model's input tensors. Codes: `model/...`, `generate/...`.
import { UsageError } from "@blip-ts/base";

/** The error code of an invalid tensor: pixels of images, ids of texts, or an encoder's states. */
export type TensorCode = "model/bad-pixels" | "model/bad-ids" | "model/bad-states";

const shapeOf = (dims: readonly number[]): string => `[${dims.join(", ")}]`;

/**
 * A tensor has another type or another number of axes than the network reads, or another number of values than its
 * shape.
 * @remedy Give the processor's tensor, or one like it.
 */
export const badTensor = (
  code: TensorCode,
  { name, dtype, dims }: { readonly name: string; readonly dtype: string; readonly dims: readonly string[] },
  shown: string,
  got: unknown,
): UsageError =>
  new UsageError(
    code,
    `${name}: expected ${dtype} [${dims.join(", ")}] with as many numbers, got ${shown}. ` +
      "Give the processor's tensor, or one like it.",
    { name, dtype, found: got },
  );

/**
 * Pixel values are not `[B, 3, H, W]` with the model's image size.
 * @remedy Resize the images with the processor, or pass `interpolatePosEncoding: true`.
 */
export const badPixels = (dims: readonly number[], imageSize: number): UsageError =>
  new UsageError(
    "model/bad-pixels",
    `pixelValues: expected [B, 3, ${imageSize}, ${imageSize}], got ${shapeOf(dims)}. ` +
      "Images of another size need interpolatePosEncoding: true.",
    { found: dims, imageSize },
  );

/**
 * States have another width than the network's.
 * @remedy Give states that this model computed.
 */
export const wrongWidth = (name: string, expected: number, got: number | undefined): UsageError =>
  new UsageError(
    "model/bad-states",
    `${name}: expected states of width ${expected}, got ${String(got)}. Give states that this model computed.`,
    { name, width: expected, found: got },
  );

/**
 * Text ids are not `[B, T]`, or there are more tokens than the model has positions.
 * @remedy Give the tokenizer's ids, and shorter texts.
 */
export const badIds = (dims: readonly number[], maxPositions: number): UsageError =>
  new UsageError(
    "model/bad-ids",
    `inputIds: expected [B, T] with 1 to ${maxPositions} tokens, got ${shapeOf(dims)}. Give the tokenizer's ids.`,
    { found: dims, maxPositions },
  );

/**
 * An id is outside of the model's vocabulary.
 * @remedy Encode the text with the tokenizer of this model.
 */
export const unknownId = (id: bigint, vocabSize: number): UsageError =>
  new UsageError(
    "model/bad-ids",
    `inputIds: expected ids from 0 to ${vocabSize - 1}, got ${id}. Encode the text with this model's tokenizer.`,
    { id: Number(id), vocabSize },
  );

/**
 * The attention mask has another shape than the ids.
 * @remedy Give the tokenizer's mask for these ids.
 */
export const badMask = (expected: readonly number[], got: readonly number[]): UsageError =>
  new UsageError(
    "model/bad-ids",
    `attentionMask: expected the shape of inputIds, ${shapeOf(expected)}, got ${shapeOf(got)}. ` +
      "Give the mask that belongs to these ids.",
  );

/**
 * Answers to rank are not lists of ids of the vocabulary.
 * @remedy Give the tokenizer's ids of each answer.
 */
export const badAnswers = (field: string, expected: string, got: string): UsageError =>
  new UsageError(
    "model/bad-ids",
    `answers${field}: expected ${expected}, got ${got}. Give the tokenizer's ids of each answer.`,
    { field },
  );

/**
 * The texts cannot be distributed evenly among the images.
 * @remedy Give a multiple of the number of images: the same number of texts for each image.
 */
export const unequalTexts = (texts: number, images: number): UsageError =>
  new UsageError(
    "model/unequal-batches",
    `texts: expected a multiple of ${images}, with as many for each image, got ${texts}. Give as many texts as images.`,
    { images, texts },
  );

/**
 * The number of texts differs from the number of images.
 * @remedy Give as many texts as images.
 */
export const unequalBatches = (texts: number, images: number): UsageError =>
  new UsageError(
    "model/unequal-batches",
    `texts: expected ${images}, one per image, got ${texts}. Give as many texts as images.`,
    { images, texts },
  );

/**
 * The number of images is not twice the number of statements.
 * @remedy Give all left images first, then all right ones.
 */
export const unequalPairs = (statements: number, images: number): UsageError =>
  new UsageError(
    "model/unequal-batches",
    `images: expected ${2 * statements} for ${statements} statements, all left ones first, then all right ones, got ${images}. ` +
      "Give two images per statement.",
    { images, texts: statements },
  );

/**
 * Tokens cannot be streamed while several sequences are generated, because the best ones are known only at the end.
 * @remedy Stream one image, with `beams: 1` and `numReturn: 1`.
 */
export const cannotStream = (what: string, got: string): UsageError =>
  new UsageError(
    "generate/cannot-stream",
    `stream: expected ${what}, got ${got}. The best of several sequences is known only at the end: stream one image with beams: 1 and numReturn: 1.`,
  );

/**
 * The list of answers to rank is empty.
 * @remedy Give at least one answer.
 */
export const noAnswers = (): UsageError =>
  new UsageError("usage/no-answers", "answers: expected at least one, got none. Give a list of answers.");
