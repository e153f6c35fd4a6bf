// Byte streams: peeking at the first bytes, gzip, and conversions between web streams and async iterables.
import type { Bytes } from "../files.ts";
import { damaged } from "../errors.ts";
import { wholeFile } from "../place.ts";
import { messageOf } from "./errors-of.ts";
import { InputError } from "@blip-ts/base";

export function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

export interface Peeked {
  /** The first bytes: `length` of them, or all if the stream is shorter. */
  readonly head: Uint8Array;
  /** Whether `head` is the whole stream. */
  readonly whole: boolean;
  /** All bytes, including `head`. Read them once, or close them with the iterator's `return`. */
  readonly bytes: Bytes;
}

/**
 * Reads the first `length` bytes of a stream.
 * @param enough whether the bytes so far suffice
 * @returns the first bytes, and the whole stream
 */
export async function peek(
  bytes: Bytes,
  length: number,
  enough: (chunk: Uint8Array) => boolean = () => false,
): Promise<Peeked> {
  const iterator = bytes[Symbol.asyncIterator]();
  const parts: Uint8Array[] = [];
  let have = 0;
  let whole = false;
  while (have < length) {
    const next = await iterator.next();
    if (next.done === true) {
      whole = true;
      break;
    }
    parts.push(next.value);
    have += next.value.length;
    if (enough(joined(parts))) break;
  }
  const first = joined(parts);
  let ahead: Uint8Array | undefined = first.length > 0 ? first : undefined;
  let ended = whole;
  // A hand-written iterator, because `return` on a generator that has not started does not close the source.
  const rest: AsyncIterator<Uint8Array, undefined> = {
    async next() {
      const value = ahead;
      ahead = undefined;
      if (value !== undefined) return { done: false, value };
      if (ended) return { done: true, value: undefined };
      const next = await iterator.next();
      if (next.done !== true) return { done: false, value: next.value };
      ended = true;
      return { done: true, value: undefined };
    },
    async return() {
      ahead = undefined;
      ended = true;
      await iterator.return?.();
      return { done: true, value: undefined };
    },
  };
  return {
    head: first.subarray(0, length),
    whole: whole && have <= length,
    bytes: { [Symbol.asyncIterator]: () => rest },
  };
}

/** Reads the first bytes of a stream, then closes it. */
export async function headOf(bytes: Bytes, length: number): Promise<{ head: Uint8Array; whole: boolean }> {
  const { head, whole, bytes: rest } = await peek(bytes, length);
  await rest[Symbol.asyncIterator]().return?.();
  return { head, whole };
}

export function toReadable(bytes: Bytes): ReadableStream<Uint8Array> {
  const iterator = bytes[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const next = await iterator.next();
      if (next.done === true) controller.close();
      else controller.enqueue(next.value);
    },
    async cancel() {
      await iterator.return?.();
    },
  });
}

export async function* fromReadable<T>(stream: ReadableStream<T>): AsyncGenerator<T> {
  const reader = stream.getReader();
  let ended = false;
  try {
    for (;;) {
      const next = await reader.read();
      if (next.done) break;
      yield next.value;
    }
    ended = true;
  } finally {
    // A failed source has already thrown its error above.
    if (!ended) await reader.cancel().catch(() => undefined);
    reader.releaseLock();
  }
}

const isGzip = (head: Uint8Array) => head[0] === 0x1f && head[1] === 0x8b;

/**
 * The bytes, decompressed if they are gzip. Data is not buffered, so a small file that expands to a large one costs
 * only time.
 * @throws {InputError} `dataset/damaged`
 */
export async function* ungzipped(name: string, bytes: Bytes): AsyncGenerator<Uint8Array> {
  const { head, bytes: all } = await peek(bytes, 2);
  if (!isGzip(head)) {
    yield* all;
    return;
  }
  try {
    yield* fromReadable(toReadable(all).pipeThrough(new DecompressionStream("gzip")));
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw damaged(wholeFile(name), "gzip data", messageOf(error), error);
  }
}
