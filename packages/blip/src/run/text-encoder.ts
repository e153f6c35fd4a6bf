// Runs the text encoder of a loaded network, with or without cross-attention to images, and checks its inputs.
import { atLeast, must, unlessAborted } from "@blip-ts/base";
import { floatTensor, type Tensor } from "@blip-ts/graph";
import type { BlipConfig } from "../model/config.ts";
import { textGraph, type MultimodalHead } from "../model/encoders.ts";
import { float32Output, type RunOptions } from "@blip-ts/engine";
import type { LoadedNetwork } from "../load/load-model.ts";
import { CrossAttention, type CrossAttentionWork, type SeenStates } from "./cross-attention.ts";
import type { ImageHead } from "../tasks/task.ts";
import { checkTextFeeds, positions, type CheckedTexts, type TextFeeds } from "./text-feeds.ts";
import { checkStates } from "./tensor-checks.ts";
import { batchesByLength, stackRows, textRows, trimmed, type TokenRow } from "./text-batches.ts";
import { unequalTexts } from "./errors.ts";

/** Encoded texts without images, of equal length. */
export interface EncodedTextStates {
  /** All states, [B, T, D]. */
  readonly states: Tensor<"float32">;
  /** Unit vectors, [B, E]. */
  readonly features: Tensor<"float32">;
  /** The embeddings before normalization to unit length, [B, E]. */
  readonly projections: Tensor<"float32">;
}

/** Encoded texts without images, of any lengths. */
export interface ReadTexts {
  /** Unit vectors, [B, E]. */
  readonly features: Tensor<"float32">;
  /** If requested, the states of each text: T * D numbers for its T tokens, without padding. */
  readonly states: readonly Float32Array[];
}

/** The states of images [I, N, D]; for NLVR2, the states of the left images and of the right images. */
export type ImageStates = readonly [Tensor<"float32">, Tensor<"float32">?];

export interface CrossAttentionCallOptions extends RunOptions {
  /** `kept` computes the states of padding, as the reference implementations do; `dropped` sets them to zero. */
  readonly padding?: "kept" | "dropped" | undefined;
}

/** The call to prepare for. */
export interface Preparation extends Pick<CrossAttentionCallOptions, "padding"> {
  readonly head?: MultimodalHead;
  /** Whether the call computes only logits. */
  readonly scores?: boolean;
}

/** Distributes texts evenly among images, in order. @throws {UsageError} `model/unequal-batches`, `model/bad-states` */
function crossAttentionWork([first, second]: ImageStates, rows: readonly TokenRow[]): CrossAttentionWork {
  const [images, states, width] = checkStates(first);
  if (second) checkStates(second);
  if (rows.length % images !== 0) throw unequalTexts(rows.length, images);
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

/** Runs the text encoder. Its outputs are not checked; callers check that they are finite (`finite.ts`). */
export class TextEncoder {
  readonly loaded: LoadedNetwork;
  readonly crossAttention: CrossAttention;
  readonly #head: ImageHead | undefined;

  /** @param head the projection of a text's first token */
  constructor(loaded: LoadedNetwork, head?: ImageHead) {
    this.loaded = loaded;
    this.crossAttention = new CrossAttention(loaded);
    this.#head = head;
  }

  get config(): BlipConfig {
    return this.loaded.config;
  }

  /** Encodes texts without images. Returns states [B, T, D] and unit vectors [B, E]. The first token stays [CLS]. */
  async encodeTexts(texts: TextFeeds, options: RunOptions = {}): Promise<EncodedTextStates> {
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
   * Encodes any number of texts without images, in batches of similar length. Returns unit vectors [B, E], and with
   * `states` the states of each text.
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
      const feeds = stackRows(batch.map((row) => must(rows, row)));
      const length = must(feeds.inputIds.dims, 1);
      const outputs = await session.run(this.#textFeeds(feeds), options);
      const vectors = float32Output(outputs, "text_features").data;
      const all = states ? float32Output(outputs, "question_embeds").data : undefined;
      batch.forEach((row, index) => {
        features.set(vectors.subarray(index * E, (index + 1) * E), row * E);
        const from = index * length * D;
        if (all) own[row] = all.slice(from, from + must(lengths, row) * D);
      });
    }
    return { features: floatTensor([rows.length, E], features), states: own };
  }

  /** Starts loading the session for `encodeTexts`. A failure is reported at its first use. */
  prepareToRead(): void {
    this.#textSession(false).catch(() => undefined);
  }

  /**
   * Starts loading the sessions for `crossAttend`, or with `scores` for `score`, with texts distributed among images. A
   * failure is reported at their first use.
   */
  prepareToCrossAttend(texts: TextFeeds, images: number, { head, scores, padding }: Preparation = {}): void {
    const rows = this.#rows(texts, scores === true ? "dropped" : padding);
    const side = Math.floor(this.loaded.imageSize / this.config.vision.patchSize);
    const tokens = rows.reduce((sum, { ids }) => sum + ids.length, 0) / images;
    const form = this.crossAttention.form(head, { tokens, states: 1 + side * side });
    this.crossAttention.prepare(form, images, { head, allStates: scores !== true });
  }

  /**
   * Encodes B texts with cross-attention to `imageStates` [I, N, D] (two tensors for NLVR2). B is a multiple of I: the
   * first B/I texts attend to the first image, and so on. Returns all text states [B, T, D] and, with a head, the
   * head's logits [B, 2].
   * @throws {UsageError} `model/unequal-batches`, `model/bad-ids`
   */
  async crossAttend(
    imageStates: ImageStates,
    texts: TextFeeds,
    head?: MultimodalHead,
    options: CrossAttentionCallOptions = {},
  ): Promise<{ readonly states: Tensor<"float32">; readonly logits: Tensor<"float32"> | undefined }> {
    const work = crossAttentionWork(imageStates, this.#rows(texts, options.padding));
    const { states, logits } = await this.crossAttention.run(work, { ...options, head, allStates: true });
    const [B, T] = atLeast(texts.inputIds.dims, 2);
    const D = this.config.text.hiddenSize;
    const all = new Float32Array(B * T * D);
    states.forEach((row, index) => all.set(row, index * T * D));
    return { states: floatTensor([B, T, D], all), logits: head && logitsOf(logits) };
  }

  /**
   * Computes only the head's logits [B, 2] for the inputs of `crossAttend`. Skips padding and states that the head does
   * not read.
   * @throws {UsageError} `model/unequal-batches`, `model/bad-ids`
   */
  async score(
    imageStates: ImageStates,
    texts: TextFeeds,
    head: NonNullable<MultimodalHead>,
    options: RunOptions = {},
  ): Promise<Tensor<"float32">> {
    const work = crossAttentionWork(imageStates, this.#rows(texts, "dropped"));
    return logitsOf((await this.crossAttention.run(work, { ...options, head })).logits);
  }

  #textSession(firstOnly: boolean) {
    // Packing is not worthwhile, because a call encodes its texts only once.
    return this.loaded.network.session(
      `text ${firstOnly ? "first" : "all"}`,
      () => textGraph(this.config, this.#head, { firstOnly }),
      { prepack: false },
    );
  }

  #rows(texts: TextFeeds, padding: CrossAttentionCallOptions["padding"]): TokenRow[] {
    const rows = textRows(checkTextFeeds(texts, this.config.text));
    return padding === "dropped" ? rows.map(trimmed) : rows;
  }

  #textFeeds({ inputIds, attentionMask }: CheckedTexts): Record<string, Tensor> {
    return {
      input_ids: inputIds,
      position_ids: positions(must(inputIds.dims, 1)),
      attention_mask: attentionMask,
    };
  }
}
