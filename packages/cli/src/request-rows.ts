// A list of pictures as requests to `Batched`: so many at a time that one batch runs while the next one waits.
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

/** Pictures in a batch, unless told. */
const imagesAtOnce = 4;

export interface ImageRequests<Row extends object> {
  /** What answers. */
  readonly models: BatchedModels<ImageInput>;
  /** Requests that each picture is: 1. */
  readonly each?: number | undefined;
  /** Rows of a picture, of its requests in their order. */
  readonly rowsOf: (
    batched: Batched<ImageInput>,
    image: string,
    signal: AbortSignal | undefined,
  ) => Promise<readonly Row[]>;
}

/**
 * Rows of pictures in their order, as soon as they are there; a picture that cannot be read, or about which the model's
 * numbers are not finite, has one with its error.
 * What is wrong with the call itself has been found before: any other failure ends the list.
 */
export async function* requestRows<Row extends object>(
  images: readonly string[],
  { models, each = 1, rowsOf }: ImageRequests<Row>,
  { imageBatchSize = imagesAtOnce, signal, onProgress }: VerbCallOptions,
): AsyncGenerator<Row | FailedRow<string>, void, undefined> {
  const maxBatch = imageBatchSize * each;
  // Batches are full but for the last one, which waits for nobody.
  const batched = new Batched<ImageInput>(models, { window: 0, maxBatch, maxQueue: maxBatch });
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

/** Is it what is wrong with one request, so that the others go on? */
export const isRowFailure = (error: unknown): error is BlipError =>
  error instanceof InputError || isNotFinite(error);

/** Settled without rejecting: one that fails while another is waited for is reported in its turn. */
type Settled<Row> = { readonly rows: readonly (Row | FailedRow<string>)[] } | { readonly failure: unknown };
