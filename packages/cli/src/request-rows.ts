// Runs a list of images as requests to `Batched`, with enough at a time that one batch runs while the next waits.
import { must } from "@blip-ts/base";
import {
  Batched,
  InputError,
  type BlipError,
  type BatchedModels,
  type FailedRow,
  type ImageInput,
  type VerbCallOptions,
} from "blip-ts";
import { isNotFinite } from "./exit-codes.ts";

/** The default number of images per batch. */
const imagesAtOnce = 4;

export interface ImageRequests<Row extends object> {
  /** The models that answer. */
  readonly models: BatchedModels<ImageInput>;
  /** The number of requests per image; by default 1. */
  readonly each?: number | undefined;
  /** The rows of an image, in the order of its requests. */
  readonly rowsOf: (
    batched: Batched<ImageInput>,
    image: string,
    signal: AbortSignal | undefined,
  ) => Promise<readonly Row[]>;
}

/**
 * Yields the rows of images in order, as soon as they are ready. An image that cannot be read, or that has outputs that
 * are not finite, has one row with its error. The call itself was checked before: any other failure ends the list.
 */
export async function* requestRows<Row extends object>(
  images: readonly string[],
  { models, each = 1, rowsOf }: ImageRequests<Row>,
  { imageBatchSize = imagesAtOnce, signal, onProgress }: VerbCallOptions,
): AsyncGenerator<Row | FailedRow<string>, void, undefined> {
  const maxBatch = imageBatchSize * each;
  // The images are the caller's own, so no decoder process is needed; starting one would delay the first row.
  const options = { window: 0, maxBatch, maxQueue: maxBatch, isolate: false };
  const batched = new Batched<ImageInput>(models, options);
  const ask = async (image: string): Promise<Settled<Row>> => {
    try {
      return { rows: await rowsOf(batched, image, signal) };
    } catch (error) {
      if (!isRowFailure(error)) return { failure: error };
      return { rows: [{ image, error: { code: error.code, message: error.message } }] };
    }
  };
  const total = images.length;
  const asked: Promise<Settled<Row>>[] = [];
  let next = 0;
  onProgress?.({ kind: "images", done: 0, total });
  try {
    for (let done = 0; done < total; done++) {
      while (next < total && asked.length < 2 * imageBatchSize)
        asked.push(ask(must(images, next++, "image")));
      const answered = await asked.shift();
      if (!answered) throw new Error("an image was not asked about");
      if ("failure" in answered) throw answered.failure;
      yield* answered.rows;
      onProgress?.({ kind: "images", done: done + 1, total });
    }
  } finally {
    await batched.close({ waiting: "reject" });
  }
}

/** Whether the error affects only one request, so that the others continue. */
export const isRowFailure = (error: unknown): error is BlipError =>
  error instanceof InputError || isNotFinite(error);

/** Settles without rejecting, so that a failure is reported in its turn. */
type Settled<Row> = { readonly rows: readonly (Row | FailedRow<string>)[] } | { readonly failure: unknown };
