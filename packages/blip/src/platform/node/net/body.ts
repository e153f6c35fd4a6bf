// The body of an answer, within bounds: of silence, of slowness, of bytes.
import { whenAborted } from "@blip-ts/base";
import { type BodyShare } from "./body-room.ts";
import { failureOf, NetworkFailure } from "./failure.ts";
import type { Answer } from "./fetch-by.ts";
import type { NetworkLimits } from "./limits.ts";

export interface BodyOptions {
  readonly limits: NetworkLimits;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds for all of it. */
  readonly whole?: number | undefined;
}

/** Says when a body takes too long. */
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

  /** Milliseconds for the next piece. */
  get patience(): number {
    return Math.max(0, Math.min(this.#limits.silence, this.#end - performance.now()));
  }

  /** @throws {NetworkFailure} */
  arrived(bytes: number): void {
    const now = performance.now();
    this.#bytes += bytes;
    if (now > this.#end) throw new NetworkFailure("it takes too long");
    if (now < this.#windowEnd) return;
    if (this.#bytes < this.#limits.leastBytes) throw new NetworkFailure("it sends next to nothing");
    this.#windowEnd = now + this.#limits.window;
    this.#bytes = 0;
  }
}

/**
 * The pieces of a body. What is not read to its end is cancelled, so that its connection goes.
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
    timer = setTimeout(() => reject(new NetworkFailure("it fell silent")), milliseconds);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Ends an answer whose body nobody wants. */
export const discard = (answer: Pick<Answer, "body">): void => {
  void answer.body?.cancel().catch(() => undefined);
};

/** Bytes of a block into which small pieces go: each piece as it comes takes some 200 bytes beside its own. */
const blockBytes = 2 ** 16;

/** Pieces, joined in the end. Small ones are copied at once, however many there are. */
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
 * All of a body.
 * @param most bytes that it may have
 * @param share of the room for all bodies; its owner closes it
 * @returns undefined if it has more
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
