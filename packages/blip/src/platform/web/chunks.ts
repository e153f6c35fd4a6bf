// Splits files into chunks of equal size (the last may be shorter), for fetching and for the browser's Cache.

/** Yields the bytes of an answer as they arrive; ending the iteration closes the connection. */
export async function* bodyOf(response: Response): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
  const reader = response.body?.getReader();
  if (!reader) return;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

/** Cuts arriving bytes into chunks of one size. */
export async function* chunksOf(
  parts: AsyncIterable<Uint8Array>,
  size: number,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
  let chunk = new Uint8Array(size);
  let filled = 0;
  for await (const part of parts)
    for (let at = 0; at < part.length;) {
      const taken = Math.min(size - filled, part.length - at);
      chunk.set(part.subarray(at, at + taken), filled);
      filled += taken;
      at += taken;
      if (filled < size) continue;
      yield chunk;
      chunk = new Uint8Array(size);
      filled = 0;
    }
  if (filled > 0) yield chunk.slice(0, filled);
}

/** Assembles `length` bytes from `offset` out of chunks. */
export async function readChunks(
  offset: number,
  length: number,
  size: number,
  chunkOf: (index: number) => Promise<Uint8Array>,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  for (let index = Math.floor(offset / size); index * size < offset + length; index++) {
    const chunk = await chunkOf(index);
    const start = index * size - offset;
    const from = Math.max(0, -start);
    bytes.set(chunk.subarray(from, Math.min(chunk.length, length - start)), start + from);
  }
  return bytes;
}

/** Concatenates parts. */
export function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let filled = 0;
  for (const part of parts) {
    whole.set(part, filled);
    filled += part.length;
  }
  return whole;
}
