// Runs cross-attention of texts to images in the cheapest form, in batches of similar length. An image's keys and
// values are computed once for all its texts and stay in the engine's memory.
import type { Tensor } from "@blip-ts/graph";
import { crossKeysAndValuesGraph } from "../model/decoder.ts";
import { cacheNames } from "../model/kv-cache.ts";
import { multimodalGraph, type CrossAttentionForm, type MultimodalHead } from "../model/encoders.ts";
import {
  type EngineSession,
  type Feeds,
  float32Output,
  type ResidentTensor,
  type RunOptions,
} from "@blip-ts/engine";
import { missed, must, unlessAborted } from "@blip-ts/base";
import type { LoadedNetwork } from "../load/load-model.ts";
import { chooseForm, type CrossAttentionShape } from "./cross-attention-form.ts";
import { positions, withFirstToken } from "./text-feeds.ts";
import { batchesByLength, stackRows, type TokenRow } from "./text-batches.ts";

/** The states of an image, N * D' numbers, or of the two images for NLVR2. */
export type SeenStates = readonly [Float32Array, Float32Array?];

/** A text and the image that it attends to. */
export interface CrossAttentionRow extends TokenRow {
  /** The index of the image. */
  readonly image: number;
}

export interface CrossAttentionWork {
  readonly images: readonly SeenStates[];
  /** N, the number of states per image. */
  readonly states: number;
  readonly rows: readonly CrossAttentionRow[];
}

export interface CrossAttentionOptions extends RunOptions {
  readonly head?: MultimodalHead;
  /** Also returns all states of each text. Otherwise the last layer computes only the first state. */
  readonly allStates?: boolean | undefined;
  /** The form of cross-attention; by default the cheapest. */
  readonly form?: CrossAttentionForm | undefined;
}

/** The outputs of each row, in the order of the rows. */
export interface CrossAttentionOutputs {
  /** With a head: the head's two logits per row. */
  readonly logits: readonly (readonly [number, number])[];
  /** With `allStates`: T * D numbers per row, where T is the row's own length. */
  readonly states: readonly Float32Array[];
}

/** The sessions of this group share the keys and values of images. */
const group = "cross-attention";

/**
 * The least number of images per call for which packing the weights is worthwhile. Packing takes 430 ms at base size.
 * It saves 20 ms in a call with 16 images, and 45 ms in a call with a single image (bench/RESULTS.md).
 */
const imagesWorthPacking = 16;

export class CrossAttention {
  readonly #loaded: LoadedNetwork;
  #first: CrossAttentionForm | undefined;

  constructor(loaded: LoadedNetwork) {
    this.#loaded = loaded;
  }

  /** Returns the cheapest form for a shape. A memory limit has room for one form only, so the first choice is kept. */
  form(head: MultimodalHead, shape: CrossAttentionShape): CrossAttentionForm {
    const { config, limits } = this.#loaded;
    const cheapest = chooseForm(config, head, shape);
    if (limits.images === undefined) return cheapest;
    return (this.#first ??= cheapest);
  }

  /** Starts loading the sessions. A failure is reported at their first use. */
  prepare(form: CrossAttentionForm, images: number, options: CrossAttentionOptions): void {
    this.#session(form, images, options).catch(() => undefined);
    if (form === "cached") this.#keysAndValues().catch(() => undefined);
  }

  async run(work: CrossAttentionWork, options: CrossAttentionOptions): Promise<CrossAttentionOutputs> {
    options.signal?.throwIfAborted();
    const results: { logits: [number, number][]; states: Float32Array[] } = { logits: [], states: [] };
    if (work.rows.length === 0) return results;
    for (const { image } of work.rows) must(work.images, image, "images of texts");
    const tokens = work.rows.reduce((sum, { ids }) => sum + ids.length, 0) / work.images.length;
    const form = options.form ?? this.form(options.head, { tokens, states: work.states });
    const batches = form === "cached" ? this.#cached(work, options) : this.#over(form, work, options);
    for await (const { rows, length, outputs } of batches) {
      const logits = options.head && float32Output(outputs, `${options.head}_score`).data;
      const states = options.allStates === true ? float32Output(outputs, "question_embeds") : undefined;
      const D = states?.dims[2] ?? 0;
      rows.forEach((row, index) => {
        if (logits) results.logits[row] = [must(logits, 2 * index), must(logits, 2 * index + 1)];
        const own = must(work.rows, row).ids.length;
        if (states) results.states[row] = states.data.slice(index * length * D, (index * length + own) * D);
      });
    }
    return results;
  }

  /** Computes each image's keys and values once, and runs the image's texts in batches. */
  async *#cached({ images, states: N, rows }: CrossAttentionWork, options: CrossAttentionOptions) {
    const { cachedCrossAttention } = this.#loaded.limits;
    const session = await unlessAborted(this.#session("cached", images.length, options), options.signal);
    const keysAndValues = await unlessAborted(this.#keysAndValues(), options.signal);
    const names = cacheNames("cross", this.#loaded.config.text);
    for (const [image, [states]] of images.entries()) {
      const own = rows.flatMap((row, index) => (row.image === image ? [index] : []));
      if (own.length === 0) continue;
      const feeds = { encoder_hidden_states: this.#tensor([states], N) };
      const { retained } = await keysAndValues.runRetaining(feeds, names, options);
      try {
        for (const batch of batchesByLength(lengthsOf(rows, own), cachedCrossAttention)) {
          const places = batch.map((index) => must(own, index));
          yield await this.#call(session, rows, places, retained, options);
        }
      } finally {
        keysAndValues.release(Object.values<ResidentTensor>(retained));
      }
    }
  }

  /** Runs batches that contain texts of several images. */
  async *#over(form: CrossAttentionForm, work: CrossAttentionWork, options: CrossAttentionOptions) {
    const limits = this.#loaded.limits.crossAttention(work.states);
    const session = await unlessAborted(this.#session(form, work.images.length, options), options.signal);
    const all = work.rows.map((_, index) => index);
    for (const batch of batchesByLength(lengthsOf(work.rows, all), limits)) {
      const { images, places } = alignedTo(work, batch);
      const stack = (which: 0 | 1) =>
        this.#tensor(
          images.map((image) => image[which] ?? missed("states of the second image")),
          work.states,
        );
      const second = images[0]?.[1] && { image_embeds_1: stack(1) };
      yield await this.#call(session, work.rows, places, { image_embeds: stack(0), ...second }, options);
    }
  }

  async #call(
    session: EngineSession,
    rows: readonly CrossAttentionRow[],
    places: readonly number[],
    images: Feeds,
    options: RunOptions,
  ) {
    const texts = stackRows(places.map((index) => must(rows, index)));
    const length = must(texts.inputIds.dims, 1);
    const feeds: Feeds = {
      input_ids: withFirstToken(texts.inputIds, this.#loaded.tokens.enc),
      attention_mask: texts.attentionMask,
      position_ids: positions(length),
      ...images,
    };
    // The states of the images were assembled for this call, so they can be transferred.
    const transfer = Object.keys(images);
    return { rows: places, length, outputs: await session.run(feeds, { ...options, transfer }) };
  }

  /** Concatenates states of images: [I, N, D']. */
  #tensor(images: readonly Float32Array[], N: number): Tensor<"float32"> {
    const size = must(images, 0).length;
    const data = new Float32Array(images.length * size);
    images.forEach((states, index) => data.set(states, index * size));
    return { dtype: "float32", dims: [images.length, N, size / N], data };
  }

  #keysAndValues(): Promise<EngineSession> {
    const { config, network } = this.#loaded;
    const width = config.vision.hiddenSize;
    const keep = cacheNames("cross", config.text);
    return network.session("cross-kv", () => crossKeysAndValuesGraph(config, width, "text_encoder"), {
      group,
      retain: keep,
      prepack: false,
    });
  }

  /** Packs the weights for many texts or images. Otherwise creates an unpacked session, which loads faster. */
  #session(
    form: CrossAttentionForm,
    images: number,
    { head, allStates = false }: CrossAttentionOptions,
  ): Promise<EngineSession> {
    const { config, network, limits } = this.#loaded;
    const prepack = form !== "folded" || (images >= imagesWorthPacking && limits.images === undefined);
    return network.session(
      `cross-attention ${head ?? ""} ${form} ${allStates ? "all" : "first"}${prepack ? "" : " not packed"}`,
      () => multimodalGraph(config, head, { form, firstOnly: !allStates }),
      { group, prepack },
    );
  }
}

const lengthsOf = (rows: readonly TokenRow[], places: readonly number[]): number[] =>
  places.map((place) => must(rows, place).ids.length);

/**
 * Orders a batch for the network, which assigns equally many texts to each image, in order. If all images have the same
 * number of texts in the batch, each image occurs once. Otherwise each image is repeated for each of its texts.
 */
function alignedTo({ images, rows }: CrossAttentionWork, batch: readonly number[]) {
  const byImage = new Map<number, number[]>();
  for (const index of batch) {
    const image = must(rows, index).image;
    byImage.set(image, [...(byImage.get(image) ?? []), index]);
  }
  const groups = [...byImage];
  const even = groups.every(([, places]) => places.length === groups[0]?.[1].length);
  const order = even
    ? groups
    : groups.flatMap(([image, places]) => places.map((index) => [image, [index]] as const));
  return {
    images: order.map(([image]) => must(images, image)),
    places: order.flatMap(([, places]) => places),
  };
}
