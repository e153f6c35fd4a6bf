// The body of an answer, within bounds: of silence, of slowness, of bytes.
import { whenAborted } from "@blip-ts/base";
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

/**
 * All of a body.
 * @param most bytes that it may have
 * @returns undefined if it has more
 * @throws {NetworkFailure} @throws the signal's reason
 */
export async function wholeBody(
  answer: Pick<Answer, "body">,
  most: number,
  options: BodyOptions,
): Promise<Buffer | undefined> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of bodyOf(answer, options)) {
    size += part.length;
    if (size > most) return undefined;
    parts.push(part);
  }
  return Buffer.concat(parts);
}
