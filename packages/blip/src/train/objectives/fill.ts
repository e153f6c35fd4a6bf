// Fills the last batch of a data set to the size of the graph. The added rows do not count, so that the loss is the mean
// over the batch's own rows. ITC and ITM compare the rows of a batch with each other, so their batches are never filled.
import { must } from "@blip-ts/base";
import type { CaptionBatch, ImageBatch, QuestionBatch, StatementBatch } from "./batches.ts";

/** Appends images of zeros. */
function filledImages({ size, imageSize, pixels }: ImageBatch, rows: number): ImageBatch {
  const image = 3 * imageSize ** 2;
  const images = pixels.length / (size * image);
  const values = new Float32Array(rows * images * image);
  for (let index = 0; index < images; index++)
    values.set(pixels.subarray(index * size * image, (index + 1) * size * image), index * rows * image);
  return { size: rows, counted: size, imageSize, pixels: values };
}

/** Appends copies of the first element. */
const filledList = <T>(list: readonly T[], length: number): readonly T[] => [
  ...list,
  ...new Array<T>(length - list.length).fill(must(list, 0)),
];

/** @param rows the size of the graph's batches, at least the batch's own */
export const filledCaptions = (batch: CaptionBatch, rows: number): CaptionBatch =>
  batch.size === rows
    ? batch
    : { ...batch, ...filledImages(batch, rows), tokens: filledList(batch.tokens, rows) };

/** The added questions have no answers. @param rows as for captions */
export const filledQuestions = (batch: QuestionBatch, rows: number): QuestionBatch =>
  batch.size === rows
    ? batch
    : {
        ...{ ...batch, ...filledImages(batch, rows), questions: filledList(batch.questions, rows) },
        answerCounts: [...batch.answerCounts, ...new Array<number>(rows - batch.size).fill(0)],
      };

/** @param rows as for captions */
export const filledStatements = (batch: StatementBatch, rows: number): StatementBatch =>
  batch.size === rows
    ? batch
    : {
        ...filledImages(batch, rows),
        ...{ sentences: filledList(batch.sentences, rows), labels: filledList(batch.labels, rows) },
      };
