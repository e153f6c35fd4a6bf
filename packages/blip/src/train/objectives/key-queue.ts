// The queue of ITC: features of recent batches, used as keys (MoCo, arXiv 1911.05722; models/blip_retrieval.py). It is
// a ring buffer: new entries overwrite the oldest.
import { must, type Warning } from "@blip-ts/base";
import { floatTensor, int64Tensor, sizeOf, type Tensor } from "@blip-ts/graph";
import { badBatch, badSetting, badState, queueShrunk } from "./errors.ts";
import type { Tensors } from "./part.ts";
import { normals, streamOf } from "./random.ts";

/** The id of an entry without an image. The reference fills its queue with this id. */
const noImage = -100;

export interface QueueSizes {
  /** The requested length Q. BLIP uses 57,600. */
  readonly asked: number;
  /** B */
  readonly batch: number;
  /** The number of samples of the data set, if known. */
  readonly samples: number | undefined;
}

/**
 * The queue's length: a multiple of the batch size, as the reference requires, and at most the number of samples. A
 * longer queue would hold every image several times, with the query's own text among the negatives.
 * @throws {UsageError} `objective/bad-setting`
 */
export function queueLength(
  { asked, batch, samples }: QueueSizes,
  warn?: (warning: Warning) => void,
): number {
  if (!Number.isInteger(asked) || asked < batch)
    throw badSetting("queue", asked, `a whole number of at least one batch (${batch})`);
  const bound = Math.min(asked, Math.max(samples ?? asked, batch));
  const length = bound - (bound % batch);
  if (length !== asked)
    warn?.(
      queueShrunk(
        asked,
        length,
        bound < asked ? `the data has ${samples}` : `a multiple of the batch of ${batch}`,
      ),
    );
  return length;
}

export class KeyQueue {
  readonly length: number;
  readonly #width: number;
  readonly #images: Float32Array;
  readonly #texts: Float32Array;
  readonly #ids: Float64Array;
  #next = 0;

  /** Fills the queue with random unit vectors that belong to no image. @param length Q @param width E */
  constructor(length: number, width: number, seed: number) {
    this.length = length;
    this.#width = width;
    this.#images = unitVectors(length, width, seed, "image queue");
    this.#texts = unitVectors(length, width, seed, "text queue");
    this.#ids = new Float64Array(length).fill(noImage);
  }

  /** The features of images and texts, [Q, E] each. The tensors are not copies: `add` modifies them. */
  inputs(): Tensors {
    const dims = [this.length, this.#width];
    return { image_queue: floatTensor(dims, this.#images), text_queue: floatTensor(dims, this.#texts) };
  }

  /** The image id of each entry [Q]. */
  get ids(): Float64Array {
    return this.#ids;
  }

  /** Adds the features [B, E] of a batch with their image ids. @throws {UsageError} `objective/bad-batch` */
  add(images: Tensor, texts: Tensor, ids: readonly number[]): void {
    const size = ids.length * this.#width;
    for (const [name, { data }] of Object.entries({ images, texts }))
      if (data.length !== size) throw badBatch(`features of ${name}`, data.length, `${size} numbers`);
    ids.forEach((id, row) => {
      for (let k = 0; k < this.#width; k++) {
        const [from, to] = [row * this.#width + k, this.#next * this.#width + k];
        this.#images[to] = must(images.data as Float32Array, from);
        this.#texts[to] = must(texts.data as Float32Array, from);
      }
      this.#ids[this.#next] = id;
      this.#next = (this.#next + 1) % this.length;
    });
  }

  /** Returns a copy of the queue's state. */
  state(): Tensors {
    const { image_queue, text_queue } = this.inputs();
    const copy = ({ dims, data }: Tensor): Tensor => ({
      dtype: "float32",
      dims,
      data: (data as Float32Array).slice(),
    });
    return {
      ...(image_queue && { image_queue: copy(image_queue) }),
      ...(text_queue && { text_queue: copy(text_queue) }),
      idx_queue: int64Tensor([this.length], [...this.#ids]),
      queue_ptr: int64Tensor([1], [this.#next]),
    };
  }

  /** @throws {UsageError} `objective/bad-state` if the state belongs to a different queue */
  restore(state: Tensors): void {
    const take = (name: string, dims: readonly number[]): Tensor["data"] => {
      const tensor = state[name];
      if (tensor?.data.length !== sizeOf(dims))
        throw badState(name, tensor ? `[${tensor.dims.join(", ")}]` : "nothing", `[${dims.join(", ")}]`);
      return tensor.data;
    };
    const whole = [this.length, this.#width];
    const [images, texts] = [take("image_queue", whole), take("text_queue", whole)];
    const [ids, next] = [
      take("idx_queue", [this.length]),
      Number(must(take("queue_ptr", [1]) as BigInt64Array, 0)),
    ];
    if (!(next >= 0 && next < this.length))
      throw badState("queue_ptr", String(next), `0 to ${this.length - 1}`);
    this.#images.set(images as Float32Array);
    this.#texts.set(texts as Float32Array);
    this.#ids.set(Float64Array.from(ids as BigInt64Array, Number));
    this.#next = next;
  }
}

/** [count, width] vectors of length 1 in uniformly random directions. */
function unitVectors(count: number, width: number, seed: number, name: string): Float32Array {
  const random = streamOf(seed, name);
  const vectors = new Float32Array(count * width);
  for (let place = 0; place < vectors.length; place += 2) {
    const [first, second] = normals(random);
    vectors[place] = first;
    if (place + 1 < vectors.length) vectors[place + 1] = second;
  }
  for (let row = 0; row < count; row++) {
    const vector = vectors.subarray(row * width, (row + 1) * width);
    const length = Math.sqrt(vector.reduce((sum, x) => sum + x * x, 0));
    vector.forEach((x, k) => (vector[k] = x / length));
  }
  return vectors;
}
