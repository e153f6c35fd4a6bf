// The encoders of a loaded network: pictures, texts, and texts over pictures, with their inputs checked.
import { asyncDispose, type Closable, unlessAborted, UsageError } from "@blip-ts/base";
import { floatTensor, type Tensor } from "@blip-ts/graph";
import type { BlipConfig } from "../model/config.ts";
import { imageGraph, textGraph, type ImageGraphOptions, type MultimodalHead } from "../model/encoders.ts";
import { float32Output, type RunOptions } from "@blip-ts/engine";
import type { LoadedNetwork } from "../load/load-model.ts";
import { Looker, type LookWork, type SeenStates } from "./cross-attention.ts";
import { rowsOf } from "./batch-rows.ts";
import { checkTextFeeds, positions, type CheckedTexts, type TextFeeds } from "./text-feeds.ts";
import { batchesByLength, stackRows, textRows, trimmed, type TokenRow } from "./text-batches.ts";

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

/** Texts alone. */
export interface ReadTexts {
  /** Unit vectors, [B, E]. */
  readonly features: Tensor<"float32">;
  /** Where asked for: each text's states, T * D numbers for its own T tokens. */
  readonly states: readonly Float32Array[];
}

/** States of images [I, N, D], or of NLVR2's left and right ones. */
export type ImageStates = readonly [Tensor<"float32">, Tensor<"float32">?];

export interface LookCallOptions extends RunOptions {
  /** `kept` computes states of padding as the references do; `dropped` leaves zeros there. */
  readonly padding?: "kept" | "dropped" | undefined;
}

/** What is going to be looked for. */
export interface Preparation extends Pick<LookCallOptions, "padding"> {
  readonly head?: MultimodalHead;
  /** Logits alone. */
  readonly scores?: boolean;
}

/** Texts shared out among images evenly, in their order. @throws {UsageError} `model/unequal-batches` */
function lookWork([first, second]: ImageStates, rows: readonly TokenRow[]): LookWork {
  const [images = 0, states = 0, width = 0] = first.dims;
  if (images === 0 || rows.length % images !== 0)
    throw new UsageError(
      "model/unequal-batches",
      `${rows.length} texts cannot be shared out among ${images} images: give as many texts as images`,
      { images, texts: rows.length },
    );
  const size = states * width;
  const part = ({ data }: Tensor<"float32">, image: number) =>
    data.subarray(image * size, (image + 1) * size);
  const each = rows.length / images;
  return {
    images: Array.from({ length: images }, (_, image): SeenStates =>
      second ? [part(first, image), part(second, image)] : [part(first, image)],
    ),
    states,
    rows: rows.map((row, index) => ({ ...row, image: Math.floor(index / each) })),
  };
}

const logitsOf = (logits: readonly (readonly [number, number])[]): Tensor<"float32"> =>
  floatTensor([logits.length, 2], logits.flat());

/** Outputs of parts of a batch, one after another. */
function joined(parts: readonly Record<string, Tensor>[]): Record<string, Tensor> {
  const [first = {}, ...others] = parts;
  if (others.length === 0) return first;
  return Object.fromEntries(
    Object.keys(first).map((name) => {
      const pieces = parts.map((part) => float32Output(part, name));
      const data = new Float32Array(pieces.reduce((sum, piece) => sum + piece.data.length, 0));
      let from = 0;
      for (const piece of pieces) {
        data.set(piece.data, from);
        from += piece.data.length;
      }
      const count = pieces.reduce((sum, { dims }) => sum + (dims[0] ?? 0), 0);
      return [name, floatTensor([count, ...(pieces[0]?.dims.slice(1) ?? [])], data)];
    }),
  );
}

/** What the network gives, as it gives it: whoever hands numbers on looks whether they are finite (`finite.ts`). */
export class Encoder implements Closable {
  readonly loaded: LoadedNetwork;
  readonly looker: Looker;
  readonly #imageHead: ImageGraphOptions["head"];

  /** @param imageHead what is made of a picture's class token */
  constructor(loaded: LoadedNetwork, imageHead?: ImageGraphOptions["head"]) {
    this.loaded = loaded;
    this.looker = new Looker(loaded);
    this.#imageHead = imageHead;
  }

  get config(): BlipConfig {
    return this.loaded.config;
  }

  /**
   * Begins to load what pictures of the model's size need, while the first one is still read; a failure is reported where
   * it is used.
   */
  prepareImages(): void {
    const { imageSize } = this.loaded;
    void this.#imageSession(imageSize, imageSize);
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
    const feeds = this.#textFeeds(checkTextFeeds(texts, this.config.text));
    options.signal?.throwIfAborted();
    const session = await unlessAborted(this.#textSession(false), options.signal);
    const outputs = await session.run(feeds, options);
    return {
      states: float32Output(outputs, "question_embeds"),
      features: float32Output(outputs, "text_features"),
      projections: float32Output(outputs, "text_projection"),
    };
  }

  /**
   * Texts alone, of any number, in batches of like length: unit vectors [B, E], and with `states` each text's own.
   * @throws {UsageError} `model/bad-ids`
   */
  async readTexts(
    texts: TextFeeds,
    { states = false, ...options }: RunOptions & { readonly states?: boolean | undefined } = {},
  ): Promise<ReadTexts> {
    const rows = this.#rows(texts, "dropped");
    const session = await unlessAborted(this.#textSession(!states), options.signal);
    const [E, D] = [this.config.jointEmbedding, this.config.text.hiddenSize];
    const features = new Float32Array(rows.length * E);
    const own: Float32Array[] = [];
    const lengths = rows.map(({ ids }) => ids.length);
    for (const batch of batchesByLength(lengths, this.loaded.limits.texts)) {
      options.signal?.throwIfAborted();
      const feeds = stackRows(batch.flatMap((row) => rows[row] ?? []));
      const length = feeds.inputIds.dims[1] ?? 0;
      const outputs = await session.run(this.#textFeeds(feeds), options);
      const found = float32Output(outputs, "text_features").data;
      const all = states ? float32Output(outputs, "question_embeds").data : undefined;
      batch.forEach((row, place) => {
        features.set(found.subarray(place * E, (place + 1) * E), row * E);
        const from = place * length * D;
        if (all) own[row] = all.slice(from, from + (lengths[row] ?? 0) * D);
      });
    }
    return { features: floatTensor([rows.length, E], features), states: own };
  }

  /** Begins to load what `encodeTexts` needs; a failure is reported where it is used. */
  prepareToRead(): void {
    this.#textSession(false).catch(() => undefined);
  }

  /**
   * Begins to load what `look`, or with `scores` what `score`, needs for texts that are shared out among images; a
   * failure is reported where it is used.
   */
  prepareToLook(texts: TextFeeds, images: number, { head, scores, padding }: Preparation = {}): void {
    const rows = this.#rows(texts, scores === true ? "dropped" : padding);
    const side = Math.floor(this.loaded.imageSize / this.config.vision.patchSize);
    const tokens = rows.reduce((sum, { ids }) => sum + ids.length, 0) / images;
    const form = this.looker.form(head, { tokens, states: 1 + side * side });
    this.looker.prepare(form, images, { head, allStates: scores !== true });
  }

  /**
   * Texts that look at images: `imageStates` [I, N, D] (NLVR2: two of them) and B texts, B a multiple of I; each image
   * in turn has B/I of the texts. Returns all text states [B, T, D] and, with a head, its logits [B, 2].
   * @throws {UsageError} `model/unequal-batches`, `model/bad-ids`
   */
  async look(
    imageStates: ImageStates,
    texts: TextFeeds,
    head?: MultimodalHead,
    options: LookCallOptions = {},
  ): Promise<{ readonly states: Tensor<"float32">; readonly logits: Tensor<"float32"> | undefined }> {
    const work = lookWork(imageStates, this.#rows(texts, options.padding));
    const { states, logits } = await this.looker.run(work, { ...options, head, allStates: true });
    const [B = 0, T = 0] = texts.inputIds.dims;
    const D = this.config.text.hiddenSize;
    const all = new Float32Array(B * T * D);
    states.forEach((row, index) => all.set(row, index * T * D));
    return { states: floatTensor([B, T, D], all), logits: head && logitsOf(logits) };
  }

  /**
   * What the head says of the same [B, 2]: no state is computed that it does not need, and no padding.
   * @throws {UsageError} `model/unequal-batches`, `model/bad-ids`
   */
  async score(
    imageStates: ImageStates,
    texts: TextFeeds,
    head: NonNullable<MultimodalHead>,
    options: RunOptions = {},
  ): Promise<Tensor<"float32">> {
    const work = lookWork(imageStates, this.#rows(texts, "dropped"));
    return logitsOf((await this.looker.run(work, { ...options, head })).logits);
  }

  /** Frees the model. A second call does nothing more; other calls are refused from now on (`usage/disposed`). */
  async close(): Promise<void> {
    await this.loaded.network.close();
  }

  /** Calls `close`, for `await using`. */
  [asyncDispose](): Promise<void> {
    return this.close();
  }

  #textSession(firstOnly: boolean) {
    // A call's texts are read once, however many pictures follow.
    return this.loaded.network.session(
      `text ${firstOnly ? "first" : "all"}`,
      () => textGraph(this.config, this.#imageHead, { firstOnly }),
      { unpacked: true },
    );
  }

  #imageSession(height: number, width: number) {
    const head = this.#imageHead;
    return this.loaded.network.session(
      `image ${head ?? ""} ${height}x${width}`,
      () => imageGraph(this.config, { height, width, head }),
      { unpacked: true },
    );
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
    const session = await unlessAborted(this.#imageSession(height, width), options.signal);
    const [count = 0] = pixelValues.dims;
    // In 8 bits one by one, so that each picture is rounded by itself; its 577 rows keep all cores busy.
    const step = this.loaded.network.dtype === "int8" ? 1 : (this.loaded.limits.images ?? count);
    const parts: Record<string, Tensor>[] = [];
    for (let from = 0; from < count; from += step)
      parts.push(
        await session.run(
          {
            pixel_values:
              step >= count ? pixelValues : rowsOf(pixelValues, from, Math.min(count, from + step)),
          },
          options,
        ),
      );
    return joined(parts);
  }

  #rows(texts: TextFeeds, padding: LookCallOptions["padding"]): TokenRow[] {
    const rows = textRows(checkTextFeeds(texts, this.config.text));
    return padding === "dropped" ? rows.map(trimmed) : rows;
  }

  #textFeeds({ inputIds, attentionMask }: CheckedTexts): Record<string, Tensor> {
    return {
      input_ids: inputIds,
      position_ids: positions(inputIds.dims[1] ?? 0),
      attention_mask: attentionMask,
    };
  }
}
