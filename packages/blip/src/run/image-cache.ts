// Caches the image encoder's outputs by the content of the pixel values, so that an image that is repeated in another
// call or for another task is not encoded again. Held images stay until they are released.
import { atLeast, must, unlessAborted } from "@blip-ts/base";
import { sha256 } from "@noble/hashes/sha2.js";
import { floatTensor, type Tensor } from "@blip-ts/graph";
import { rowsOf } from "./batch-rows.ts";

/** Outputs of the image graph by name, each [B, ...]. */
export type ImageOutputs = Readonly<Record<string, Tensor<"float32">>>;

/** Runs the image encoder over pixel values [B, 3, H, W]. */
type Compute = (pixelValues: Tensor<"float32">, signal: AbortSignal) => Promise<ImageOutputs>;

/** Limits of the cache. */
export interface CacheLimits {
  /** The most images that are not held. */
  readonly images: number;
  /** The most bytes of all images, including held ones and the pixel values that their holders keep. */
  readonly bytes: number;
}

/** A batch that is being encoded, shared by the calls that wait for it. */
interface Run {
  readonly outputs: Promise<ImageOutputs>;
  readonly stop: AbortController;
  waiting: number;
}

interface Entry {
  /** The batch and the row of the image, while the image is being encoded. */
  running: { readonly run: Run; readonly row: number } | undefined;
  /** The outputs of the image, each [1, ...], after it is encoded. */
  outputs: ImageOutputs | undefined;
  /** Bytes of the image's pixel values, which each holder keeps. */
  readonly pixelBytes: number;
  /** The number of `hold` calls that are not yet released. */
  holders: number;
}

const bytesOf = ({ outputs = {}, holders, pixelBytes }: Entry): number =>
  Object.values(outputs).reduce((sum, { data }) => sum + data.byteLength, holders * pixelBytes);

const rowOf = (outputs: ImageOutputs, row: number): ImageOutputs =>
  Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [name, rowsOf(tensor, row, row + 1)]));

/**
 * Returns the dimensions and the SHA-256 of an image's pixel values. Uses a fallback if there is no `crypto.subtle`,
 * as in pages outside a secure context.
 */
async function contentKey({ data, dims }: Tensor<"float32">): Promise<string> {
  const bytes = new Uint8Array(data.slice().buffer);
  const { subtle } = crypto as Partial<typeof crypto>;
  const hash = subtle ? new Uint8Array(await subtle.digest("SHA-256", bytes)) : sha256(bytes);
  return `${dims.join("x")} ${Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

export class ImageCache {
  readonly #limits: CacheLimits;
  /** The entries, ordered from the least to the most recently used image. */
  readonly #entries = new Map<string, Entry>();

  constructor(limits: CacheLimits) {
    this.#limits = limits;
  }

  /** Bytes of all cached outputs, and of the pixel values of held images. */
  get bytes(): number {
    return [...this.#entries.values()].reduce((sum, entry) => sum + bytesOf(entry), 0);
  }

  /**
   * Returns the outputs for images. Computes each distinct image once. An aborted call rejects immediately; its
   * computation continues while other calls wait for it.
   * @param pixelValues [B, 3, H, W] @throws the errors of `compute`, or the signal's reason
   */
  async run(
    pixelValues: Tensor<"float32">,
    compute: Compute,
    signal: AbortSignal | undefined,
  ): Promise<ImageOutputs> {
    const entries = await this.#entriesOf(pixelValues, compute, signal);
    return this.#wait(entries, signal);
  }

  /**
   * Keeps an image's outputs until the returned function is called.
   * @param pixelValues [1, 3, H, W] @throws the errors of `compute`, or the signal's reason
   */
  async hold(
    pixelValues: Tensor<"float32">,
    compute: Compute,
    signal: AbortSignal | undefined,
  ): Promise<() => void> {
    const entries = await this.#entriesOf(pixelValues, compute, signal);
    let held = true;
    for (const entry of entries) entry.holders++;
    this.#evict();
    const release = () => {
      if (held) for (const entry of entries) entry.holders--;
      held = false;
      this.#evict();
    };
    try {
      await this.#wait(entries, signal);
    } catch (error) {
      release();
      throw error;
    }
    return release;
  }

  /** Clears the cache. Running computations continue for the calls that wait for them. */
  clear(): void {
    this.#entries.clear();
  }

  /** Returns the entry of each image and marks it as most recently used. Starts encoding images without an entry. */
  async #entriesOf(
    pixelValues: Tensor<"float32">,
    compute: Compute,
    signal: AbortSignal | undefined,
  ): Promise<Entry[]> {
    const [count] = atLeast(pixelValues.dims, 1);
    const rows = Array.from({ length: count }, (_, row) => rowsOf(pixelValues, row, row + 1));
    const keys = await Promise.all(rows.map(contentKey));
    signal?.throwIfAborted();
    const missing = [...new Set(keys)].filter((key) => !this.#entries.has(key));
    if (missing.length > 0) {
      const own = missing.map((key) => ({ outputs: { pixels: must(rows, keys.indexOf(key)) }, row: 0 }));
      const { pixels = pixelValues } = missing.length === count ? {} : gathered(own);
      this.#begin(missing, pixels, compute);
    }
    return keys.map((key) => {
      const entry = this.#entries.get(key);
      if (!entry) throw new Error(`there is no image ${key}`);
      this.#entries.delete(key);
      this.#entries.set(key, entry);
      return entry;
    });
  }

  /** Starts encoding images, and adds their entries. */
  #begin(keys: readonly string[], pixelValues: Tensor<"float32">, compute: Compute): void {
    const stop = new AbortController();
    const run: Run = { outputs: compute(pixelValues, stop.signal), stop, waiting: 0 };
    const own = keys.map((key, row) => {
      const pixelBytes = pixelValues.data.byteLength / keys.length;
      const entry: Entry = { running: { run, row }, outputs: undefined, holders: 0, pixelBytes };
      this.#entries.set(key, entry);
      return [key, entry] as const;
    });
    run.outputs.then(
      (outputs) => this.#settle(own, outputs),
      () => this.#drop(own),
    );
  }

  /** Waits for the outputs of entries, and concatenates them. */
  async #wait(entries: readonly Entry[], signal: AbortSignal | undefined): Promise<ImageOutputs> {
    const runs = new Set(entries.flatMap(({ running }) => running?.run ?? []));
    // Capture the sources now, because an entry may be evicted while others are still being encoded.
    const sources = entries.map(async ({ running, outputs }) =>
      running ? { outputs: await running.run.outputs, row: running.row } : { outputs: outputs ?? {}, row: 0 },
    );
    for (const run of runs) run.waiting++;
    try {
      return gathered(await unlessAborted(Promise.all(sources), signal));
    } finally {
      for (const run of runs) if (--run.waiting === 0) this.#leave(run);
    }
  }

  /** Cancels a computation for which no call waits any more. */
  #leave(run: Run): void {
    const own = [...this.#entries].filter(([, { running }]) => running?.run === run);
    if (own.length === 0) return;
    this.#drop(own);
    run.stop.abort();
  }

  #drop(entries: readonly (readonly [string, Entry])[]): void {
    for (const [key, entry] of entries) if (this.#entries.get(key) === entry) this.#entries.delete(key);
  }

  /** Caches the outputs of a batch. Copies only the images that fit into the cache. */
  #settle(entries: readonly (readonly [string, Entry])[], outputs: ImageOutputs): void {
    const free = entries.filter(([, { holders }]) => holders === 0);
    this.#drop(free.slice(0, Math.max(0, free.length - this.#limits.images)));
    for (const [key, entry] of entries) {
      if (this.#entries.get(key) !== entry || !entry.running) continue;
      entry.outputs = rowOf(outputs, entry.running.row);
      entry.running = undefined;
      this.#evict();
    }
  }

  /** Evicts images that are not held, least recently used first. */
  #evict(): void {
    const { images, bytes } = this.#limits;
    const free = [...this.#entries].filter(([, { holders, outputs }]) => holders === 0 && outputs);
    let kept = this.bytes;
    let count = free.length;
    for (const [key, entry] of free) {
      if (count <= images && kept <= bytes) return;
      this.#entries.delete(key);
      kept -= bytesOf(entry);
      count--;
    }
  }
}

/** Concatenates rows of outputs. Does not copy rows that already form a whole tensor. */
function gathered(
  sources: readonly { readonly outputs: ImageOutputs; readonly row: number }[],
): ImageOutputs {
  const [first] = sources;
  if (!first) return {};
  return Object.fromEntries(
    Object.entries(first.outputs).map(([name, tensor]) => {
      const [rows, ...rest] = atLeast(tensor.dims, 1);
      const whole = sources.every(({ outputs, row }, index) => outputs === first.outputs && row === index);
      if (whole && rows === sources.length) return [name, tensor];
      const size = tensor.data.length / rows;
      const data = new Float32Array(sources.length * size);
      sources.forEach(({ outputs, row }, index) => {
        const from = outputs[name]?.data.subarray(row * size, (row + 1) * size);
        if (from?.length !== size) throw new Error(`the encoder gave no ${name} of image ${index}`);
        data.set(from, index * size);
      });
      return [name, floatTensor([sources.length, ...rest], data)];
    }),
  );
}
