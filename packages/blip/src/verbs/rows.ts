// Answers streams of rows in order, for every verb. Batched requests of several callers use the same code. Within a
// window, an image is read and encoded once for all rows about it.
import {
  badOption,
  BlipError,
  type Closable,
  must,
  expectOptions,
  optionNames,
  type OptionNames,
  schema,
  withoutNames,
} from "@blip-ts/base";
import { floatTensor, type Tensor } from "@blip-ts/graph";
import type { LoadedNetwork } from "../load/load-model.ts";
import { orNotFinite } from "../run/finite.ts";
import { distinctOf, sameImage } from "./distinct-images.ts";
import {
  defaultImageBatch,
  readBatches,
  rowError,
  type ImagesOfBatch,
  type ReadBatch,
  type RowError,
  type VerbCallOptions,
  verbCallOptionNames,
} from "./image-batches.ts";
import { Verb } from "./verb.ts";

/** The caller's rows: a list, or any iterable. */
export type RowSource<Row> = Iterable<Row> | AsyncIterable<Row>;

/**
 * A row with the verb's answer or with an error. Fields of the answer replace fields of the row with the same name. All
 * other fields are unchanged.
 */
export type AnsweredRow<Row, Answer> =
  | (Omit<Row, keyof Answer | "error"> & Answer & { readonly error?: undefined })
  | (Row & { readonly error: RowError });

/** Options of every call with rows. */
export type RowCallOptions = Omit<VerbCallOptions, "onProgress">;

export const rowCallOptionNames = withoutNames(verbCallOptionNames, "onProgress");

/** Options for reading ahead in a stream of rows. */
export interface RowsOptions {
  /**
   * The number of rows to read before answering the first of them. Default: 64. Within a window, an image is read and
   * encoded once. Its states are cached for the rows of the window, as far as `memory` allows.
   */
  readonly window?: number | undefined;
}

export const rowsOptionNames = optionNames<RowsOptions>()({ window: true });

const defaultWindow = 64;

/** An image, encoded by a verb's network. */
export interface SeenImage {
  /** [1, N, D] */
  readonly states: Tensor<"float32">;
  /** The image's unit vector [1, E], if the verb needs it. */
  readonly features?: Tensor<"float32"> | undefined;
  /** The image's states from the model that scores captions, if it is another model. */
  readonly matched?: Tensor<"float32"> | undefined;
}

/** A request with its encoded images, whose states are all finite. */
export interface SeenRequest<Request> {
  readonly request: Request;
  readonly images: readonly SeenImage[];
}

/** The distinct images of requests with one image each, and the index of each request's image. */
export function imagesOfRows(rows: readonly SeenRequest<unknown>[]): {
  readonly images: readonly SeenImage[];
  readonly places: readonly number[];
} {
  const images = [...new Set(rows.map((row) => must(row.images, 0, "images")))];
  return { images, places: rows.map((row) => images.indexOf(must(row.images, 0, "images"))) };
}

/** Stacks tensors [1, ...] of equal shape into one tensor [B, ...]. A single tensor is not copied. */
export function stacked(tensors: readonly Tensor<"float32">[]): Tensor<"float32"> {
  const first = must(tensors, 0, "tensors");
  if (tensors.length === 1) return first;
  const size = first.data.length;
  const data = new Float32Array(tensors.length * size);
  tensors.forEach((tensor, index) => data.set(tensor.data, index * size));
  return floatTensor([tensors.length, ...first.dims.slice(1)], data);
}

const bytesOf = ({ states, features, matched }: SeenImage): number =>
  states.data.byteLength + (features?.data.byteLength ?? 0) + (matched?.data.byteLength ?? 0);

/** A cache of the last window's images, limited in bytes. */
class KeptImages<ImageInput> {
  readonly #most: number;
  /** The entries, ordered from the least to the most recently used. */
  #entries: { readonly image: ImageInput; readonly seen: SeenImage | BlipError; window: number }[] = [];
  #window = 0;

  constructor(most: number) {
    this.#most = most;
  }

  get(image: ImageInput): SeenImage | BlipError | undefined {
    const index = this.#entries.findIndex((entry) => sameImage(entry.image, image));
    if (index < 0) return undefined;
    const [entry] = this.#entries.splice(index, 1);
    if (!entry) return undefined;
    this.#entries.push({ ...entry, window: this.#window });
    return entry.seen;
  }

  add(image: ImageInput, seen: SeenImage | BlipError): void {
    this.#entries.push({ image, seen, window: this.#window });
    let bytes = this.#entries.reduce((sum, entry) => sum + sizeOf(entry.seen), 0);
    while (bytes > this.#most) {
      const oldest = this.#entries.shift();
      if (!oldest) return;
      bytes -= sizeOf(oldest.seen);
    }
  }

  /** Begins the next window. Evicts images that the current window did not use. */
  advance(): void {
    this.#entries = this.#entries.filter(({ window }) => window === this.#window);
    this.#window++;
  }
}

const sizeOf = (seen: SeenImage | BlipError): number => (seen instanceof BlipError ? 0 : bytesOf(seen));

/** @throws {UsageError} `usage/bad-option` for a value that is not iterable */
function expectRows(source: unknown): void {
  const yields =
    typeof source === "object" &&
    source !== null &&
    (Symbol.iterator in source || Symbol.asyncIterator in source);
  if (!yields) throw badOption("rows", schema.shownValue(source), ["a list of rows, or an iterable of them"]);
}

/** Groups rows into windows. If the source throws, yields the rows before the failure first. */
async function* inWindows<Row>(source: RowSource<Row>, size: number): AsyncGenerator<Row[], void, undefined> {
  let rows: Row[] = [];
  let failure: { readonly error: unknown } | undefined;
  try {
    for await (const row of source) {
      rows.push(row);
      if (rows.length < size) continue;
      yield rows;
      rows = [];
    }
  } catch (error) {
    failure = { error };
  }
  if (rows.length > 0) yield rows;
  if (failure) throw failure.error;
}

/** A verb whose requests concern at most a few images. */
export abstract class RowVerb<
  ImageInput,
  Model extends Closable & { readonly loaded: LoadedNetwork },
  Request,
  Answer extends object,
  Call extends RowCallOptions,
> extends Verb<ImageInput, Model> {
  /** Checks a request before its images are read. @throws {BlipError} if the request is invalid */
  abstract check(request: Request, options: Call): void;

  /** The option names of a call. */
  protected abstract readonly callNames: OptionNames<Call>;

  /** Checks the options of a call that do not depend on requests. @throws {BlipError} if an option is invalid */
  protected abstract checkOptions(options: Call): void;

  protected abstract imagesOf(request: Request): readonly ImageInput[];

  /** Encodes images. Returns an error for each image whose states are not finite. */
  protected abstract see(batch: PixelBatch, options: Call): Promise<readonly (SeenImage | BlipError)[]>;

  /** Returns the answers of each request, best first, or the request's error. */
  protected abstract answer(
    requests: readonly SeenRequest<Request>[],
    options: Call,
  ): Promise<readonly (readonly Answer[] | BlipError)[]>;

  /**
   * Answers any number of rows in order. Other fields of a row are passed through. If a row is invalid, its image
   * cannot be read, or its results are not finite, the row is yielded with its `error`, and the other rows are still
   * answered. Within `window` rows, each distinct image is read and encoded once. Paths and URLs are compared by text,
   * bytes by content.
   * @throws {UsageError} `usage/bad-option`, `generate/...` if an option is invalid
   * @throws the source's error, after the rows before it; the signal's reason
   */
  async *rows<Row extends Request>(
    source: RowSource<Row>,
    rowsOptions: RowsOptions & Partial<Call> = {},
  ): AsyncGenerator<AnsweredRow<Row, Answer>, void, undefined> {
    expectOptions<object>("rows", rowsOptions, { ...rowsOptionNames, ...this.callNames });
    expectRows(source);
    const { window = defaultWindow, ...call } = rowsOptions;
    // The remaining options are the call's own, which the compiler cannot infer.
    const options = { imageBatchSize: defaultImageBatch, ...call } as unknown as Call;
    if (!Number.isSafeInteger(window) || window < 1)
      throw badOption("window", window, ["a positive whole number"]);
    this.checkOptions(options);
    const cache = new KeptImages<ImageInput>(this.model.loaded.limits.keptStates);
    for await (const rows of inWindows(source, window)) {
      options.signal?.throwIfAborted();
      const answers = await this.#checked(rows, options, cache);
      for (const [index, row] of rows.entries()) {
        const answer = must(answers, index, "answers");
        if (answer instanceof BlipError) yield { ...row, error: rowError(answer) };
        else for (const own of answer) yield { ...row, ...own };
      }
      cache.advance();
    }
  }

  /**
   * Answers a batch of checked requests. Each distinct image is read and encoded once.
   * @returns the answers of each request, best first, or the error of its image or of its results
   */
  async answerEach(
    requests: readonly Request[],
    options: Call & { readonly ahead?: ImagesOfBatch<ImageInput> | undefined },
    cache = new KeptImages<ImageInput>(0),
  ): Promise<(readonly Answer[] | BlipError)[]> {
    const wanted = requests.map((request) => this.imagesOf(request));
    const { images, which } = distinctOf(wanted.flat());
    let next = 0;
    const places = wanted.map((own) => own.map(() => must(which, next++)));
    const pending = new Pending<Request, Answer>(requests, places);
    images.forEach((image, index) => pending.seen.set(index, cache.get(image)));
    const work = (ready: readonly SeenRequest<Request>[]) => this.answer(ready, options);
    const { atOnce = Infinity } = this.processors.images;
    const most = Math.min(atOnce, options.imageBatchSize ?? Infinity);
    const missing = images.flatMap((image, position) =>
      pending.seen.get(position) ? [] : [{ image, position }],
    );
    await pending.answer(work, most);
    let from = 0;
    for await (const batch of this.#read(
      missing.map(({ image }) => image),
      options,
    )) {
      const seen = batch.pixels ? await orNotFinite(() => this.see(batch, options)) : [];
      batch.places.forEach((row, index) => {
        const { image, position } = must(missing, from + index, "images");
        const outcome = row instanceof BlipError ? row : seen instanceof BlipError ? seen : must(seen, row);
        pending.seen.set(position, outcome);
        cache.add(image, outcome);
      });
      from += batch.places.length;
      await pending.answer(work, most);
    }
    return pending.answers();
  }

  /** Reads images in batches. Yields nothing if there are no images. */
  async *#read(
    images: readonly ImageInput[],
    options: Call & { readonly ahead?: ImagesOfBatch<ImageInput> | undefined },
  ): AsyncGenerator<ReadBatch<ImageInput>, void, undefined> {
    const { signal, maxPixels, ahead, imageBatchSize = images.length } = options;
    if (images.length > 0)
      yield* readBatches(
        images,
        this.processors.images,
        { signal, maxPixels, ahead, imageBatchSize },
        this.otherImages,
      );
  }

  /** Checks the rows, and answers the valid rows. */
  async #checked(
    rows: readonly Request[],
    options: Call,
    cache: KeptImages<ImageInput>,
  ): Promise<readonly (readonly Answer[] | BlipError)[]> {
    const wrong = rows.map((row) => {
      try {
        this.check(row, options);
        return undefined;
      } catch (error) {
        if (error instanceof BlipError) return error;
        throw error;
      }
    });
    const right = rows.filter((_, index) => !wrong[index]);
    const answers = right.length > 0 ? await this.answerEach(right, options, cache) : [];
    let next = 0;
    return wrong.map((error) => error ?? must(answers, next++, "answers"));
  }
}

/** The pixel values of images for one model, and for a second model if requested. */
export type PixelBatch = Pick<ReadBatch<unknown>, "pixels" | "otherPixels">;

/** Requests that wait for their images. */
class Pending<Request, Answer> {
  /** The encoded image or its error, by image index. Images that no request waits for are set to undefined. */
  readonly seen = new Map<number, SeenImage | BlipError | undefined>();
  readonly #requests: readonly Request[];
  /** The image indices of each request. */
  readonly #places: readonly (readonly number[])[];
  readonly #answers = new Map<number, readonly Answer[] | BlipError>();

  constructor(requests: readonly Request[], places: readonly (readonly number[])[]) {
    this.#requests = requests;
    this.#places = places;
  }

  /** Answers all requests whose images are ready. @param most the most images per batch */
  async answer(
    work: (ready: readonly SeenRequest<Request>[]) => Promise<readonly (readonly Answer[] | BlipError)[]>,
    most: number,
  ): Promise<void> {
    for (const part of this.#ready(most)) {
      const rows = part.map(({ index, images }) => ({ request: must(this.#requests, index), images }));
      const answers = await orNotFinite(() => work(rows));
      part.forEach(({ index }, row) =>
        this.#answers.set(index, answers instanceof BlipError ? answers : must(answers, row, "answers")),
      );
    }
    const waitedFor = new Set(this.#places.flatMap((own, index) => (this.#answers.has(index) ? [] : own)));
    for (const place of [...this.seen.keys()]) if (!waitedFor.has(place)) this.seen.set(place, undefined);
  }

  /** The answers, one entry per request. */
  answers(): (readonly Answer[] | BlipError)[] {
    return this.#requests.map((_, index) => {
      const answer = this.#answers.get(index);
      if (!answer) throw new Error(`request ${index} has no answer`);
      return answer;
    });
  }

  /** Groups the ready requests, at most `most` images per group. Requests with a failed image get its error. */
  #ready(most: number) {
    const parts: { readonly index: number; readonly images: readonly SeenImage[] }[][] = [];
    let distinct = new Set<number>();
    for (const [index, places] of this.#places.entries()) {
      const own = places.map((position) => this.seen.get(position));
      if (this.#answers.has(index) || own.some((outcome) => outcome === undefined)) continue;
      const failure = own.find((outcome) => outcome instanceof BlipError);
      if (failure) {
        this.#answers.set(index, failure);
        continue;
      }
      const images = own.flatMap((outcome) => (outcome instanceof BlipError ? [] : (outcome ?? [])));
      const together = new Set([...distinct, ...places]);
      const part = parts.at(-1);
      if (part && together.size <= most) {
        part.push({ index, images });
        distinct = together;
        continue;
      }
      parts.push([{ index, images }]);
      distinct = new Set(places);
    }
    return parts;
  }
}
