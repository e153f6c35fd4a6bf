// Stores weights that were derived from a model's own weights in the browser's Cache, in chunks, with the unchanged
// tensors. The next load reads only the header of the original. An incomplete file has no size yet and is never used.
import type { ByteSource } from "@blip-ts/base";
import { derivedInMemory, derivedName, warnNotKept } from "../../load/converted-in-memory.ts";
import { derivedKey } from "../../load/converted-key.ts";
import type { DerivedWeights } from "../../files.ts";
import { readFailed } from "./errors.ts";
import { FileCache } from "./file-cache.ts";
import { chunksOf, readChunks } from "./chunks.ts";
import { RemoteFile } from "./remote-file.ts";
import { currentSettings } from "./settings.ts";

const chunkBytes = 1 << 20;

/** A chunk has disappeared from the Cache. */
class Lost extends Error {}

/**
 * The cached file as a byte source. If the browser has discarded a part of the file, derives the weights in memory.
 */
function keptSource(weights: DerivedWeights, cache: FileCache, size: number): ByteSource {
  const name = derivedName(weights);
  let again: Promise<ByteSource> | undefined;
  let last: { readonly index: number; readonly chunk: Uint8Array } | undefined;
  const chunkOf = async (index: number) => {
    // Cache the last chunk, because adjacent vectors are read one after the other.
    if (last?.index === index) return last.chunk;
    const chunk = await cache.get(String(index));
    if (chunk?.length !== Math.min(chunkBytes, size - index * chunkBytes)) throw new Lost();
    last = { index, chunk };
    return chunk;
  };
  return {
    name,
    size,
    async read(offset, length) {
      if (offset < 0 || length < 0 || offset + length > size)
        throw readFailed(name, `expected ${length} bytes at ${offset}, the file has ${size}`);
      if (!again)
        try {
          return await readChunks(offset, length, chunkBytes, chunkOf);
        } catch (error) {
          if (!(error instanceof Lost)) throw error;
        }
      again ??= derivedInMemory(weights, weights.bytes(true)).catch((error: unknown) => {
        // The network may work again at the next read.
        again = undefined;
        throw error;
      });
      return (await again).read(offset, length);
    },
  };
}

/** Writes the file into an empty cache. @returns the cached file, or a file in memory if the cache has no room */
async function keep(
  weights: DerivedWeights,
  cache: FileCache,
  files: readonly RemoteFile[],
): Promise<ByteSource> {
  const marks = files.map((file) => file.mark());
  const chunks = chunksOf(weights.bytes(true), chunkBytes);
  let [count, size] = [0, 0];
  try {
    for await (const chunk of chunks) {
      if (!(await cache.put(String(count), chunk)))
        return await inMemory(weights, cache, count, chunk, chunks);
      count++;
      size += chunk.length;
    }
    if (!(await cache.commit(size))) return await inMemory(weights, cache, count, new Uint8Array(0), chunks);
  } catch (error) {
    await cache.forget();
    throw error;
  }
  // The fetched originals are no longer needed.
  for (const forget of marks) await forget();
  return keptSource(weights, cache, size);
}

/** Derives in memory from the cached chunks, the chunk that did not fit, and the rest. */
async function inMemory(
  weights: DerivedWeights,
  cache: FileCache,
  count: number,
  chunk: Uint8Array,
  rest: AsyncIterable<Uint8Array>,
): Promise<ByteSource> {
  warnNotKept(weights, "the browser has no room for them");
  const taken: Uint8Array[] = [];
  for (let index = 0; index < count; index++) {
    const stored = await cache.get(String(index));
    if (stored) taken.push(stored);
  }
  await cache.forget();
  if (taken.length < count) return derivedInMemory(weights);
  const all = async function* () {
    yield* taken;
    yield chunk;
    yield* rest;
  };
  return derivedInMemory(weights, all());
}

/** See `Platform.deriveWeights`. */
export async function deriveWeights(weights: DerivedWeights, renew: boolean): Promise<ByteSource> {
  const files = weights.sources.filter((source) => source instanceof RemoteFile);
  const { cache: enabled = true } = currentSettings();
  if (!enabled) return derivedInMemory(weights);
  if (files.length < weights.sources.length) {
    warnNotKept(weights, "some of the original ones are in this page's memory");
    return derivedInMemory(weights);
  }
  if (files.some(({ etag }) => etag === "")) {
    warnNotKept(weights, "the server sends no version of the file (ETag, Last-Modified)");
    return derivedInMemory(weights);
  }
  const names = files.map(({ name }) => name);
  const cache = await FileCache.openDerived(weights.type, names, enabled);
  if (!cache.usable) {
    warnNotKept(weights, "the browser keeps nothing for this page");
    return derivedInMemory(weights);
  }
  const states = files.map(({ name, size, etag }) => ({ name, state: `${size} ${etag}` }));
  const { version } = await derivedKey(states, weights.recipe);
  const cached = await cache.facts();
  if (cached?.etag === version && !renew) {
    await cache.use(cached);
    return keptSource(weights, cache, cached.size);
  }
  await cache.begin(version);
  return keep(weights, cache, files);
}
