// The shared parts of the verbs: a loaded model with its processors, images read in batches, and rows for images that
// cannot be read.
import { isNativeFailure } from "@blip-ts/engine";
import type { Tensor } from "@blip-ts/graph";
import {
  BlipError,
  type BlipErrorCode,
  type Warning,
  atLeast,
  badOption,
  missed,
  must,
  optionNames,
  withoutNames,
} from "@blip-ts/base";
import type { ImageConfig } from "../image/preprocess.ts";
import type { Platform } from "../platform.ts";
import type { DownloadProgress } from "../files.ts";
import type { DecodeOptions } from "../image/decode-options.ts";
import type { EncodedTexts } from "../text/word-piece.ts";
import type { LoadedNetwork } from "../load/load-model.ts";
import { modelOptionNames, type ModelOptions } from "../load/model-options.ts";
import { orNotFinite } from "../run/finite.ts";
import { imageConfigOf } from "../load/image-settings.ts";
import { processorOptionNames, type ProcessorOptions } from "../processor/options.ts";
import {
  checkMaxPixels,
  decodeDefaults,
  ImageProcessor,
  type PreparedBefore,
  stackPixels,
} from "../processor/image-processor.ts";
import { TextProcessor } from "../processor/text-processor.ts";
import { noImages } from "./errors.ts";

/** The error of a row. */
export interface RowError {
  /** The error's code, listed in docs/errors.md. */
  readonly code: BlipErrorCode;
  /** The message, one line of text. */
  readonly message: string;
}

/** The row of an image that cannot be read, or whose results are not finite. Other images are still processed. */
export interface FailedRow<ImageInput> {
  /** The image, as it was given. */
  readonly image: ImageInput;
  /** The row's text, if only this text failed and not the whole image. */
  readonly text?: string;
  /** The row's question, if only this question failed. */
  readonly question?: string;
  /** The row's statement, if only this statement failed. */
  readonly statement?: string;
  /** The reason of the failure. */
  readonly error: RowError;
}

/** The row of a text whose results are not finite. */
export interface FailedText {
  /** The text, as it was given. */
  readonly text: string;
  /** The reason of the failure. */
  readonly error: RowError;
}

export const rowError = ({ code, message }: BlipError): RowError => ({ code, message });

/** Options to load a verb's model. */
export interface VerbOptions
  extends Omit<ModelOptions, "onProgress">, Omit<ProcessorOptions, "onProgress" | "task"> {
  /** Called while files are downloaded or converted. */
  readonly onProgress?: ((progress: DownloadProgress) => void) | undefined;
}

export const verbOptionNames = optionNames<VerbOptions>()({
  ...modelOptionNames,
  ...withoutNames(processorOptionNames, "task"),
});

/** The progress of a call, in images. */
export interface VerbProgress {
  /** Distinguishes this progress from a download's. */
  readonly kind: "images";
  /** The number of finished images. */
  readonly done: number;
  /** The number of images of the call. */
  readonly total: number;
}

/** Options of a call, the same for every verb. */
export interface VerbCallOptions {
  /** Images per batch. Default: 4, or fewer under a memory limit. */
  readonly imageBatchSize?: number | undefined;
  /** The most pixels of an image in this call. Default: the model's limit (see `ProcessorOptions`). */
  readonly maxPixels?: number | undefined;
  /** Cancels the call, which then throws the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Called after each batch of images. */
  readonly onProgress?: ((progress: VerbProgress) => void) | undefined;
}

export const verbCallOptionNames = optionNames<VerbCallOptions>()({
  imageBatchSize: true,
  maxPixels: true,
  signal: true,
  onProgress: true,
});

interface BatchOptions<ImageInput> extends VerbCallOptions {
  readonly ahead?: ImagesOfBatch<ImageInput> | undefined;
}

/** The pixel values of an image for one model or two, or the image's error. */
export type ReadImage = readonly [Float32Array, Float32Array?] | BlipError;

/** Images that were read before their batch began. */
export interface ImagesOfBatch<ImageInput> {
  /** The image, if it was read before the batch. */
  readonly read: (image: ImageInput) => Promise<ReadImage> | undefined;
}

/** The default number of images per batch. */
export const defaultImageBatch = 4;

export interface Processors<ImageInput> {
  readonly images: ImageProcessor<ImageInput>;
  readonly texts: TextProcessor;
}

/** Creates the processors of a loaded model. @param prepared maps inputs to images that are already prepared */
export async function processorsOf<ImageInput>(
  platform: Pick<Platform<ImageInput>, "decodeImage" | "prepareDecoders" | "warn">,
  loaded: LoadedNetwork,
  options: VerbOptions,
  prepared?: PreparedBefore<ImageInput>,
): Promise<Processors<ImageInput>> {
  const { opened, compat, imageSize, limits } = loaded;
  const onWarning = options.onWarning ?? ((warning: Warning) => platform.warn(warning));
  const decode = { ...decodeDefaults(compat, options), onWarning, memory: limits.decoding };
  const drawingsOnly = opened.files.embedded === true && opened.adapter === undefined;
  return {
    images: new ImageProcessor(
      platform,
      await imageConfigOf(opened, imageSize),
      { ...decode, drawingsOnly },
      limits.images,
      prepared,
    ),
    texts: textProcessorOf(loaded, options.maxTextLength, onWarning),
  };
}

/**
 * Creates the text processor of a loaded model.
 * @param maxLength the most characters of a text @param onWarning called with warnings about texts
 */
export const textProcessorOf = (
  { tokenizer, config, compat }: LoadedNetwork,
  maxLength: number | undefined,
  onWarning?: (warning: Warning) => void,
): TextProcessor => new TextProcessor(tokenizer, config.text.maxPositions, compat, maxLength, onWarning);

/** A verb's options, with the default convention `blip`. */
export const verbOptions = <T extends VerbOptions>(options: T) => ({
  ...options,
  compat: options.compat ?? ("blip" as const),
});

/** A batch of read images. */
export interface ReadBatch<Input> {
  readonly images: readonly Input[];
  /** The pixel values of the readable images [B', 3, S, S], in order; undefined if there are none. */
  readonly pixels: Tensor<"float32"> | undefined;
  /** The pixel values of the same images for another model, if requested. */
  readonly otherPixels: Tensor<"float32"> | undefined;
  /** The index of each image in `pixels`, or the image's error. */
  readonly places: readonly (number | BlipError)[];
}

/**
 * Reads images in batches, and decodes the next batch while the network processes the current one.
 * @throws {UsageError} `usage/no-images`, `usage/bad-option`
 */
export async function* readBatches<Input extends ImageInput, ImageInput>(
  images: readonly Input[],
  processor: ImageProcessor<ImageInput>,
  { imageBatchSize = defaultImageBatch, maxPixels, ahead, signal, onProgress }: BatchOptions<ImageInput>,
  other?: ImageProcessor<ImageInput>,
): AsyncGenerator<ReadBatch<Input>, void, undefined> {
  if (images.length === 0) throw noImages();
  checkMaxPixels(maxPixels);
  const size = Math.min(batchSize("imageBatchSize", imageBatchSize), processor.atOnce ?? Infinity);
  const batches = chunks(images, size);
  const readOne = (image: Input) =>
    ahead?.read(image) ?? readPixels(image, processor, other, { signal, maxPixels });
  const read = async (batch: readonly Input[] = []) => {
    if (processor.atOnce === undefined) return Promise.all(batch.map(readOne));
    // Read one image at a time, because a decoded photograph takes far more memory than its pixel values.
    const results = [];
    for (const image of batch) results.push(await readOne(image));
    return results;
  };
  onProgress?.({ kind: "images", done: 0, total: images.length });
  let next = read(batches[0]);
  next.catch(() => undefined);
  let done = 0;
  for (const [index, batch] of batches.entries()) {
    const results = await next;
    next = read(batches[index + 1]);
    next.catch(() => undefined);
    const readable = results.flatMap((result) => (result instanceof BlipError ? [] : [result]));
    const stack = (which: 0 | 1, config: ImageConfig | undefined) => {
      if (!config || readable.length === 0) return undefined;
      return stackPixels(
        readable.map(
          (result) => must<Float32Array | undefined>(result, which) ?? missed("pixels of the other model"),
        ),
        config,
      );
    };
    let row = 0;
    yield {
      images: batch,
      pixels: stack(0, processor.config),
      otherPixels: stack(1, other?.config),
      places: results.map((result) => (result instanceof BlipError ? result : row++)),
    };
    done += batch.length;
    onProgress?.({ kind: "images", done, total: images.length });
  }
}

/** The options of a call that apply to reading images. */
export type ReadImageOptions = Pick<VerbCallOptions, "signal" | "maxPixels">;

export const readImageOptionNames = optionNames<ReadImageOptions>()({ signal: true, maxPixels: true });

/** Options to read the image of a request. */
export interface RequestImageOptions
  extends ReadImageOptions, Pick<DecodeOptions, "isolate" | "caller" | "timeout"> {}

/** The image size of both models, if it is the same. */
function commonSize<ImageInput>(processor: ImageProcessor<ImageInput>, other?: ImageProcessor<ImageInput>) {
  const { size } = processor;
  if (!other || !size) return size;
  return other.size?.width === size.width && other.size.height === size.height ? size : undefined;
}

/** Reads an image for one model or two. Decodes it only once. */
export async function readPixels<ImageInput>(
  image: ImageInput,
  processor: ImageProcessor<ImageInput>,
  other: ImageProcessor<ImageInput> | undefined,
  { signal, maxPixels, ...more }: RequestImageOptions,
): Promise<ReadImage> {
  try {
    const prepared = processor.prepared(image);
    if (prepared) return [prepared];
    const size = commonSize(processor, other);
    const decoded = await processor.decode(image, signal, maxPixels, { ...more, size });
    const pixels = await processor.prepare(decoded);
    return other ? [pixels, await other.prepare(decoded)] : [pixels];
  } catch (error) {
    // The image did not cause a failure of the native decoder, so the call fails instead.
    if (error instanceof BlipError && !isNativeFailure(error)) return error;
    throw error;
  }
}

/**
 * Yields the rows of a batch in the order of its images: the rows of each image, or one row with the image's error.
 * @param rowsOf the rows of the image at an index, or its error
 */
export function* inOrder<Input, Row extends object>(
  { images, places }: ReadBatch<Input>,
  rowsOf: (index: number) => readonly Row[] | BlipError,
): Generator<({ readonly image: Input } & Row) | FailedRow<Input>, void, undefined> {
  for (const [index, image] of images.entries()) {
    const place = places[index];
    if (place === undefined) continue;
    const rows = place instanceof BlipError ? place : rowsOf(place);
    if (rows instanceof BlipError) yield { image, error: rowError(rows) };
    else for (const row of rows) yield { image, ...row };
  }
}

/**
 * Computes the answers of a batch, and returns a lookup by image index. If `work` throws because results are not
 * finite, every image gets that error.
 */
export async function answersOf<T>(
  work: () => Promise<readonly (T | BlipError)[]>,
): Promise<(index: number) => T | BlipError> {
  const found = await orNotFinite(work);
  return (index) => {
    const answer = found instanceof BlipError ? found : found[index];
    if (answer === undefined) throw new Error(`there is no answer about image ${index}`);
    return answer;
  };
}

/** @throws {UsageError} `usage/bad-option` */
export function batchSize(name: string, size: number): number {
  if (!Number.isSafeInteger(size) || size < 1) throw badOption(name, size, ["a positive whole number"]);
  return size;
}

export function chunks<T>(list: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, index) =>
    list.slice(index * size, (index + 1) * size),
  );
}

/** Repeats the ids and masks of texts `times` times, once per image. */
export function repeat({ inputIds, attentionMask }: EncodedTexts, times: number): EncodedTexts {
  const [count, length] = atLeast(inputIds.dims, 2);
  const again = ({ data }: Tensor<"int64">): Tensor<"int64"> => {
    const all = new BigInt64Array(data.length * times);
    for (let index = 0; index < times; index++) all.set(data, index * data.length);
    return { dtype: "int64", dims: [count * times, length], data: all };
  };
  return { inputIds: again(inputIds), attentionMask: again(attentionMask) };
}
