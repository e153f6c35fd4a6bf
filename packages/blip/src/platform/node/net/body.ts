// Reads the body of an answer, with limits on silence, slowness and size.
import { whenAborted } from "@blip-ts/base";
import { type BodyShare } from "./body-room.ts";
import { failureOf, NetworkFailure } from "./failure.ts";
import type { Answer } from "./fetch-by.ts";
import type { NetworkLimits } from "./limits.ts";

export interface BodyOptions {
  readonly limits: NetworkLimits;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds for the whole body. */
  readonly whole?: number | undefined;
}

/** Detects a body that takes too long. */
class Watch {
  readonly #limits: NetworkLimits;
  readonly #end: number;
  #windowEnd: number;
  #bytes = 0;

  constructor({ limits, whole = Infinity }: BodyOptions) {
    this.#limits = limits;
    this.#end = performance.now() + whole;
    this.#windowEnd = performance.now() + limits.window;
  }

  /** Milliseconds to wait for the next piece. */
  get patience(): number {
    return Math.max(0, Math.min(this.#limits.silence, this.#end - performance.now()));
  }

  /** @throws {NetworkFailure} */
  arrived(bytes: number): void {
    const now = performance.now();
    this.#bytes += bytes;
    if (now > this.#end) throw new NetworkFailure("it takes too long");
    if (now < this.#windowEnd) return;
    if (this.#bytes < this.#limits.leastBytes) throw new NetworkFailure("it sends almost nothing");
    this.#windowEnd = now + this.#limits.window;
    this.#bytes = 0;
  }
}

/**
 * Yields the pieces of a body. A body that is not read to its end is cancelled, which closes its connection.
 * @throws {NetworkFailure} @throws the signal's reason
 */
export async function* bodyOf(
  answer: Pick<Answer, "body">,
  options: BodyOptions,
): AsyncGenerator<Uint8Array> {
  const reader = answer.body?.getReader();
  if (!reader) return;
  const { signal } = options;
  const watch = new Watch(options);
  let forget: () => void = () => undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    forget = whenAborted(signal, () => reject(new NetworkFailure("stopped")));
  });
  aborted.catch(() => undefined);
  try {
    for (;;) {
      signal?.throwIfAborted();
      const { done, value } = await within(watch.patience, Promise.race([reader.read(), aborted]));
      signal?.throwIfAborted();
      if (done) return;
      if (!(value instanceof Uint8Array)) throw new NetworkFailure("the connection failed");
      watch.arrived(value.length);
      yield value;
    }
  } catch (error) {
    signal?.throwIfAborted();
    throw failureOf(error);
  } finally {
    forget();
    void reader.cancel().catch(() => undefined);
  }
}

async function within<T>(milliseconds: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new NetworkFailure("it stopped sending")), milliseconds);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Cancels the unused body of an answer. */
export const discard = (answer: Pick<Answer, "body">): void => {
  void answer.body?.cancel().catch(() => undefined);
};

/**
 * The size of a block that collects small pieces, because each separate piece costs about 200 additional bytes.
 */
const blockBytes = 2 ** 16;

/** Joins the pieces of a body. Small pieces are copied into blocks, so their number does not matter. */
class Joined {
  readonly #blocks: Uint8Array[] = [];
  #block = new Uint8Array(0);
  #filled = 0;

  add(piece: Uint8Array): void {
    if (piece.length >= blockBytes) {
      this.#end();
      this.#blocks.push(piece);
      return;
    }
    if (this.#filled + piece.length > this.#block.length) {
      this.#end();
      this.#block = new Uint8Array(blockBytes);
    }
    this.#block.set(piece, this.#filled);
    this.#filled += piece.length;
  }

  #end(): void {
    if (this.#filled > 0) this.#blocks.push(this.#block.subarray(0, this.#filled));
    this.#block = new Uint8Array(0);
    this.#filled = 0;
  }

  whole(): Buffer {
    this.#end();
    return Buffer.concat(this.#blocks);
  }
}

/**
 * Reads a whole body.
 * @param most the maximum bytes
 * @param share the body's share of the byte budget; the caller closes it
 * @returns undefined if the body has more bytes
 * @throws {NetworkFailure} @throws the signal's reason
 */
export async function wholeBody(
  answer: Pick<Answer, "body">,
  most: number,
  { share, ...options }: BodyOptions & { readonly share?: BodyShare | undefined },
): Promise<Buffer | undefined> {
  const joined = new Joined();
  let size = 0;
  for await (const piece of bodyOf(answer, options)) {
    size += piece.length;
    if (size > most) return undefined;
    joined.add(piece);
    await share?.take(piece.length, options.signal);
  }
  return joined.whole();
}
