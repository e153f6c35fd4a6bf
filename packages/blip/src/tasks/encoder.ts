// The encoders of a loaded network: pictures, texts, and texts over pictures, with their inputs checked.
import { floatTensor, int64Tensor, type Tensor } from "@blip-ts/graph";
import { UsageError } from "../errors.ts";
import type { BlipConfig } from "../model/config.ts";
import {
  imageGraph,
  multimodalGraph,
  textGraph,
  type ImageGraphOptions,
  type MultimodalHead,
} from "../model/encoders.ts";
import { float32Output } from "../runtime/float32.ts";
import type { RunOptions } from "../runtime/runtime.ts";
import type { LoadedNetwork } from "./load-network.ts";

/** Token ids and their padding mask, [B, T] each. */
export interface TextFeeds {
  readonly inputIds: Tensor<"int64">;
  /** 1 for tokens, 0 for padding; without it every position is a token. */
  readonly attentionMask?: Tensor<"int64"> | undefined;
}

/** Ids with their mask, both there. */
export interface CheckedTexts {
  readonly inputIds: Tensor<"int64">;
  readonly attentionMask: Tensor<"int64">;
}

export interface ImageOptions extends RunOptions {
  /** Accepts pictures of another size than the model's by interpolating its position embeddings. */
  readonly interpolatePosEncoding?: boolean | undefined;
}

export interface EncodedImages {
  /** All states, [B, N, D]. */
  readonly states: Tensor<"float32">;
  /** Unit vectors, [B, E]. */
  readonly features: Tensor<"float32">;
  /** The same before they are made unit vectors, [B, E]. */
  readonly projections: Tensor<"float32">;
}

function positions(length: number): Tensor<"int64"> {
  return int64Tensor(
    [length],
    Array.from({ length }, (_, index) => index),
  );
}

/** Both features are unit vectors, so that their dot products are cosines: [I, E], [B, E] -> [I, B]. */
export function cosineMatrix(images: Tensor<"float32">, texts: Tensor<"float32">): Tensor<"float32"> {
  const [rows = 0, width = 0] = images.dims;
  const [columns = 0] = texts.dims;
  const data = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) {
      let sum = 0;
      for (let k = 0; k < width; k++)
        sum += (images.data[row * width + k] ?? 0) * (texts.data[column * width + k] ?? 0);
      data[row * columns + column] = sum;
    }
  return floatTensor([rows, columns], data);
}

/**
 * Ids and mask, checked.
 * @throws {UsageError} `model/bad-ids`
 */
export function checkTextFeeds(
  { inputIds, attentionMask }: TextFeeds,
  { maxPositions, vocabSize }: BlipConfig["text"],
): CheckedTexts {
  const [, length = 0] = inputIds.dims;
  if (inputIds.dims.length !== 2 || length === 0 || length > maxPositions)
    throw new UsageError(
      "model/bad-ids",
      `inputIds: expected [B, T] with 1 to ${maxPositions} tokens, found [${inputIds.dims.join(", ")}]`,
      { found: inputIds.dims, maxPositions },
    );
  const wrong = inputIds.data.find((id) => id < 0n || id >= BigInt(vocabSize));
  if (wrong !== undefined)
    throw new UsageError(
      "model/bad-ids",
      `inputIds: ${wrong} is not an id of the vocabulary of ${vocabSize}`,
      { id: Number(wrong), vocabSize },
    );
  const mask = attentionMask ?? {
    dtype: "int64" as const,
    dims: inputIds.dims,
    data: inputIds.data.map(() => 1n),
  };
  if (mask.data.length !== inputIds.data.length)
    throw new UsageError(
      "model/bad-ids",
      `attentionMask: expected the shape of inputIds, [${inputIds.dims.join(", ")}], found [${mask.dims.join(", ")}]`,
    );
  return { inputIds, attentionMask: mask };
}

/** One sequence's ids with another first token, as BLIP writes [ENC] over [CLS]. */
export function withFirstToken(inputIds: Tensor<"int64">, first: number | undefined): Tensor<"int64"> {
  if (first === undefined) return inputIds;
  const [count = 0, length = 0] = inputIds.dims;
  const data = inputIds.data.slice();
  for (let row = 0; row < count; row++) data[row * length] = BigInt(first);
  return { dtype: "int64", dims: inputIds.dims, data };
}

/** One of a batch, as a batch of one. */
function rowOf({ dims, data }: Tensor<"float32">, row: number): Tensor<"float32"> {
  const [count = 1, ...rest] = dims;
  const size = data.length / count;
  return floatTensor([1, ...rest], data.subarray(row * size, (row + 1) * size));
}

/** Batches behind each other. */
function stack(tensors: readonly Tensor<"float32">[]): Tensor<"float32"> {
  const [first] = tensors;
  const data = new Float32Array(tensors.reduce((sum, one) => sum + one.data.length, 0));
  let place = 0;
  for (const one of tensors) {
    data.set(one.data, place);
    place += one.data.length;
  }
  const count = tensors.reduce((sum, { dims }) => sum + (dims[0] ?? 0), 0);
  return floatTensor([count, ...(first?.dims.slice(1) ?? [])], data);
}

export class Encoder implements AsyncDisposable {
  readonly loaded: LoadedNetwork;
  readonly #imageHead: ImageGraphOptions["head"];

  /** @param imageHead what is made of a picture's class token */
  constructor(loaded: LoadedNetwork, imageHead?: ImageGraphOptions["head"]) {
    this.loaded = loaded;
    this.#imageHead = imageHead;
  }

  get config(): BlipConfig {
    return this.loaded.config;
  }

  /**
   * All states of pictures [B, 3, S, S]: [B, N, D].
   * @throws {UsageError} `model/bad-pixels`
   */
  async imageStates(pixelValues: Tensor<"float32">, options: ImageOptions = {}): Promise<Tensor<"float32">> {
    return float32Output(await this.#image(pixelValues, options), "image_embeds");
  }

  /** Pictures with their joint embeddings. @throws {UsageError} `model/bad-pixels` */
  async encodeImages(pixelValues: Tensor<"float32">, options: ImageOptions = {}): Promise<EncodedImages> {
    const outputs = await this.#image(pixelValues, options);
    return {
      states: float32Output(outputs, "image_embeds"),
      features: float32Output(outputs, "image_features"),
      projections: float32Output(outputs, "image_projection"),
    };
  }

  /** Texts alone: all states [B, T, D] and unit vectors [B, E]. Index 0 stays [CLS]. */
  async encodeTexts(texts: TextFeeds, options: RunOptions = {}): Promise<EncodedImages> {
    const feeds = this.#textFeeds(texts);
    options.signal?.throwIfAborted();
    const outputs = await (await this.#textSession()).run(feeds, options);
    return {
      states: float32Output(outputs, "question_embeds"),
      features: float32Output(outputs, "text_features"),
      projections: float32Output(outputs, "text_projection"),
    };
  }

  /** Begins to load what `encodeTexts` needs; a failure is reported where it is used. */
  prepareToRead(): void {
    this.#textSession().catch(() => undefined);
  }

  /** Begins to load what `look` with this head needs; a failure is reported where it is used. */
  prepareToLook(head?: MultimodalHead): void {
    this.#lookSession(head).catch(() => undefined);
  }

  /**
   * Texts that look at images: `imageStates` [I, N, D] (NLVR2: two of them) and B texts, B a multiple of I; each image
   * in turn has B/I of the texts. Returns all text states [B, T, D] and, with a head, its logits [B, 2].
   * @throws {UsageError} `model/unequal-batches`, `model/bad-ids`
   */
  async look(
    imageStates: readonly [Tensor<"float32">, Tensor<"float32">?],
    texts: TextFeeds,
    head?: MultimodalHead,
    options: RunOptions = {},
  ): Promise<{ readonly states: Tensor<"float32">; readonly logits: Tensor<"float32"> | undefined }> {
    const [first, second] = imageStates;
    const [images = 0] = first.dims;
    const [count = 0] = texts.inputIds.dims;
    if (images === 0 || count % images !== 0)
      throw new UsageError(
        "model/unequal-batches",
        `${count} texts cannot be shared out among ${images} images: give as many texts as images`,
        { images, texts: count },
      );
    options.signal?.throwIfAborted();
    const feeds = {
      ...this.#textFeeds(texts, this.loaded.tokens.enc),
      image_embeds: first,
      ...(second && { image_embeds_1: second }),
    };
    const outputs = await (await this.#lookSession(head)).run(feeds, options);
    return {
      states: float32Output(outputs, "question_embeds"),
      logits: head === undefined ? undefined : float32Output(outputs, `${head}_score`),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.loaded.network[Symbol.asyncDispose]();
  }

  #textSession() {
    return this.loaded.network.session("text", () => textGraph(this.config, this.#imageHead));
  }

  #lookSession(head: MultimodalHead) {
    return this.loaded.network.session(`look ${head ?? ""}`, () => multimodalGraph(this.config, head));
  }

  async #image(pixelValues: Tensor<"float32">, options: ImageOptions) {
    const [, channels, height = 0, width = 0] = pixelValues.dims;
    const { imageSize } = this.loaded;
    const { patchSize } = this.config.vision;
    const expected = height === imageSize && width === imageSize;
    const usable = options.interpolatePosEncoding === true && height >= patchSize && width >= patchSize;
    if (pixelValues.dims.length !== 4 || channels !== 3 || !(expected || usable))
      throw new UsageError(
        "model/bad-pixels",
        `pixelValues: expected [B, 3, ${imageSize}, ${imageSize}], found [${pixelValues.dims.join(", ")}]. ` +
          "Pictures of another size need interpolatePosEncoding: true.",
        { found: pixelValues.dims, imageSize },
      );
    const head = this.#imageHead;
    const run = (pixels: Tensor<"float32">) =>
      this.loaded.network.run(
        `image ${head ?? ""} ${height}x${width}`,
        () => imageGraph(this.config, { height, width, head }),
        { pixel_values: pixels },
        options,
      );
    const [count = 0] = pixelValues.dims;
    if (this.loaded.network.dtype !== "int8" || count < 2) return run(pixelValues);
    // One by one, so that each picture is rounded to 8 bits by itself; its 577 rows keep all cores busy.
    const each: Record<string, Tensor>[] = [];
    for (let image = 0; image < count; image++) each.push(await run(rowOf(pixelValues, image)));
    const names = Object.keys(each[0] ?? {});
    return Object.fromEntries(
      names.map((name) => [name, stack(each.map((outputs) => float32Output(outputs, name)))]),
    );
  }

  #textFeeds(texts: TextFeeds, firstToken?: number): Record<string, Tensor> {
    const { inputIds, attentionMask } = checkTextFeeds(texts, this.config.text);
    return {
      input_ids: withFirstToken(inputIds, firstToken),
      position_ids: positions(inputIds.dims[1] ?? 0),
      attention_mask: attentionMask,
    };
  }
}
