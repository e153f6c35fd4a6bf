// The samples of an epoch in order. Lists are held in memory and shuffled as a whole. Shards and tables with images are
// streams: as in webdataset, the shards are shuffled first, then the samples in a buffer.
import { InputError, must } from "@blip-ts/base";
import type { Dataset, DatasetPart } from "@blip-ts/datasets";
import type { TrainingTask } from "./batch.ts";
import { listTooLarge, mixedSources, noFalseCaptions, noSamples } from "./errors.ts";
import { filesIdentity, RowsIdentity, type DataIdentity } from "./identity.ts";
import { itemsOf, type Item, type ReaderTask } from "./items.ts";
import type { ResolvedOptions } from "./options.ts";
import { permutation, Random, streams } from "./random.ts";
import { RecordStore } from "./record-store.ts";
import type { SkipLog } from "./skip-log.ts";

/** A sample in an epoch's order. */
export interface Entry {
  /**
   * The number of the sample in the list, or in this epoch's reading order. It addresses the sample's random numbers.
   */
  readonly number: number;
  readonly item: Item;
  /** `match`: equal for texts of the same image. */
  readonly imageId: number;
}

export interface SampleSource {
  /** The number of samples; null if they are not counted in advance. */
  readonly samples: number | null;
  readonly identity: DataIdentity;
  /** The entries of an epoch, without the first `skip` entries. */
  entries(epoch: number, skip: number): AsyncIterable<Entry>;
}

interface Opening<T extends TrainingTask> {
  readonly task: T;
  readonly dataset: Dataset<ReaderTask<T>>;
  readonly options: ResolvedOptions;
  readonly skips: SkipLog;
  readonly signal: AbortSignal | undefined;
}

/**
 * The samples of a part in order. Samples that cannot be used are reported and left out.
 * @param see called with each row
 */
async function* itemsIn<T extends TrainingTask>(
  { examples }: Pick<DatasetPart<ReaderTask<T>>, "examples">,
  { task, options, skips, signal }: Omit<Opening<T>, "dataset">,
  see: (example: object) => void = () => undefined,
): AsyncGenerator<Item> {
  for await (const example of examples) {
    signal?.throwIfAborted();
    see(example);
    for (const item of itemsOf(task, example, options)) {
      if (item instanceof InputError) skips.skip(item);
      else yield item;
    }
  }
}

const isStreamed = (item: Item): boolean => item.images.some(({ kind }) => kind === "bytes");

/** Warns of data without false captions, if they were to be read. */
function checkFalse(name: string, { falseCaptions, onWarning }: ResolvedOptions, hasFalse: boolean): void {
  if (falseCaptions && !hasFalse) onWarning(noFalseCaptions(name));
}

type ListRecord = Item & { readonly imageId: number };

class ListSource implements SampleSource {
  readonly identity: DataIdentity;
  readonly #records: RecordStore<ListRecord>;
  readonly #options: ResolvedOptions;

  constructor(records: RecordStore<ListRecord>, identity: DataIdentity, options: ResolvedOptions) {
    this.#records = records;
    this.identity = identity;
    this.#options = options;
  }

  get samples(): number {
    return this.#records.size;
  }

  async *entries(epoch: number, skip: number): AsyncGenerator<Entry> {
    const { seed, shuffle } = this.#options;
    const count = this.#records.size;
    const random = new Random({ seed, epoch, index: 0, stream: streams.order });
    const order = shuffle ? permutation(count, random) : undefined;
    for (let place = skip; place < count; place++) {
      const number = order === undefined ? place : must(order, place);
      const { imageId, ...item } = this.#records.get(number);
      yield await Promise.resolve({ number, item, imageId });
    }
  }
}

/** A 53-bit hash of a text: two hashes of the FNV-1a family, combined. */
export function textHash(text: string): number {
  let [a, b] = [0x811c9dc5, 0x1b873593];
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    a = Math.imul(a ^ unit, 0x01000193);
    b = Math.imul(b ^ unit ^ (a >>> 15), 0x85ebca6b);
  }
  a = Math.imul(a ^ (a >>> 16), 0xc2b2ae35);
  b = Math.imul(b ^ (b >>> 13), 0x27d4eb2f);
  return ((b >>> 0) & 0x1fffff) * 2 ** 32 + ((a ^ (b >>> 11)) >>> 0);
}

class StreamSource<T extends TrainingTask> implements SampleSource {
  readonly samples = null;
  readonly identity: DataIdentity;
  readonly #opening: Opening<T>;
  /** Whether an epoch has been read to its end, which tells whether any row has false captions. */
  #checked = false;

  constructor(opening: Opening<T>) {
    // The signal ends the opening alone: a training that is interrupted still finishes its step and saves its state.
    this.#opening = { ...opening, signal: undefined };
    this.identity = filesIdentity(opening.dataset, opening.dataset.parts);
  }

  async *entries(epoch: number, skip: number): AsyncGenerator<Entry> {
    const { seed, shuffle } = this.#opening.options;
    const random = (stream: typeof streams.order | typeof streams.buffer) =>
      new Random({ seed, epoch, index: 0, stream });
    const { parts } = this.#opening.dataset;
    const order = shuffle ? permutation(parts.length, random(streams.order)) : parts.keys();
    const read = this.#read(order);
    let left = skip;
    for await (const entry of shuffle ? this.#buffered(read, random(streams.buffer)) : read)
      if (left > 0) left--;
      else yield entry;
  }

  async *#read(order: Iterable<number>): AsyncGenerator<Entry> {
    const { dataset, options } = this.#opening;
    let number = 0;
    let hasFalse = false;
    for (const index of order)
      try {
        for await (const item of itemsIn(must(dataset.parts, index), this.#opening)) {
          hasFalse ||= item.falseCaptions !== undefined;
          yield { number: number++, item, imageId: textHash(item.imageKey ?? "") };
        }
      } catch (error) {
        // Leave out the rest of a damaged shard, and continue with the next shard.
        if (!(error instanceof InputError)) throw error;
        this.#opening.skips.skip(error);
      }
    if (!this.#checked) checkFalse(dataset.name, options, hasFalse);
    this.#checked = true;
  }

  /** Shuffles entries: buffers each new entry, and yields random entries while the buffer is above its limits. */
  async *#buffered(entries: AsyncIterable<Entry>, random: Random): AsyncGenerator<Entry> {
    const { shuffleSamples, shuffleBytes } = this.#opening.options;
    const buffer: Entry[] = [];
    let bytes = 0;
    const take = (): Entry => {
      const chosen = random.below(buffer.length);
      const entry = must(buffer, chosen);
      buffer[chosen] = must(buffer, buffer.length - 1);
      buffer.pop();
      bytes -= bytesOf(entry);
      return entry;
    };
    for await (const entry of entries) {
      buffer.push(entry);
      bytes += bytesOf(entry);
      while (buffer.length > shuffleSamples || (bytes > shuffleBytes && buffer.length > 0)) yield take();
    }
    while (buffer.length > 0) yield take();
  }
}

const bytesOf = ({ item }: Entry): number =>
  item.images.reduce((sum, image) => sum + (image.kind === "bytes" ? image.bytes.length : 0), 0);

async function listOf<T extends TrainingTask>(opening: Opening<T>): Promise<SampleSource> {
  const { dataset, options, skips } = opening;
  const records = new RecordStore<ListRecord>(options.listBytes, () =>
    listTooLarge(dataset.name, options.listBytes),
  );
  const imageIds = new Map<string, number>();
  let hasFalse = false;
  const identity = new RowsIdentity(dataset);
  for (const part of dataset.parts)
    for await (const item of itemsIn(part, opening, (example) => identity.add(example))) {
      if (isStreamed(item)) {
        if (records.size > 0) throw mixedSources(part.name);
        return new StreamSource(opening);
      }
      hasFalse ||= item.falseCaptions !== undefined;
      const { imageKey, ...rest } = item;
      const imageId = imageKey === undefined ? 0 : (imageIds.get(imageKey) ?? imageIds.size);
      if (imageKey !== undefined) imageIds.set(imageKey, imageId);
      records.add({ ...rest, imageId });
    }
  if (records.size === 0) throw noSamples(dataset.name, skips.count, skips.reasons);
  checkFalse(dataset.name, options, hasFalse);
  return new ListSource(records, identity.digest(), options);
}

/**
 * Opens the samples of a data set.
 * @throws {InputError} `train-data/no-samples`, `train-data/mixed`, `train-data/too-large`, and errors of the files
 */
export async function openSamples<T extends TrainingTask>(opening: Opening<T>): Promise<SampleSource> {
  return opening.dataset.container === "webdataset" ? new StreamSource(opening) : listOf(opening);
}
