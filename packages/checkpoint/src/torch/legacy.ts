// The format of torch.save before PyTorch 1.6. A stream of five pickles comes first: magic number, protocol, system,
// the value, the keys of the storages. Then each key's storage follows: the number of elements and the raw elements.
import type { ByteSource } from "@blip-ts/base";
import {
  duplicateName,
  malformed,
  missingMember,
  overLimit,
  quoted,
  truncated,
  unsupported,
} from "../errors.ts";
import { runPickle } from "./pickle.ts";
import { PickleDict, PickleList, type PickleValue } from "./pickle-values.ts";
import { readRange, readUint64, viewOf } from "../read-range.ts";
import type { Checkpoint, StoredTensor } from "../stored-tensor.ts";
import { storageOf, torchGlobals, type TorchStorage } from "./globals.ts";
import { checkRepeats, findStateDict, inBatches, storageBytes, storeTensor } from "./state.ts";
import { MAX_PICKLE_BYTES } from "./zip.ts";

/** The number at the start of the stream. */
export const LEGACY_MAGIC = 0x1950a86a20f9469cfc6cn;

const LEGACY_PROTOCOL = 1001;
const FIRST_WINDOW = 2 ** 18;
const WINDOW_GROWTH = 8;
const COUNT_BYTES = 8;

/**
 * Opens a checkpoint in the stream format that preceded the zip archive.
 * @throws {ModelError} `checkpoint/...`, as for `readTorchZip`
 */
export async function readTorchLegacy(source: ByteSource): Promise<Checkpoint> {
  const storages = new Map<string, TorchStorage>();
  const world = {
    where: source.name,
    findGlobal: torchGlobals(source.name),
    loadPersistent: (id: PickleValue) => shareStorage(source, storages, storageOf(source.name, id)),
  };
  const pickles = new PickleStream(source);
  const magic = await pickles.next(world);
  if (magic !== LEGACY_MAGIC)
    throw malformed(source.name, "this pickle does not begin with the number that torch.save writes");
  const protocol = await pickles.next(world);
  if (protocol !== LEGACY_PROTOCOL)
    throw malformed(source.name, `the stream does not have protocol ${LEGACY_PROTOCOL}`);
  checkSystem(source, await pickles.next(world));
  const state = findStateDict(source.name, await pickles.next(world));
  const starts = await findStorages(source, storages, await pickles.next(world), pickles.end);

  const tensors = new Map<string, StoredTensor>();
  for (const [name, tensor] of state.tensors) {
    const start = starts.get(tensor.storage.key);
    if (start === undefined) throw missingMember(source.name, `storage ${tensor.storage.key}`);
    tensors.set(name, storeTensor(name, tensor, source, start));
  }
  checkRepeats(source, tensors);
  return { format: "torch-legacy", tensors, metadata: state.metadata };
}

/** Reads consecutive pickles from the start of a file, through a window that grows as needed. */
class PickleStream {
  end = 0;
  readonly #source: ByteSource;
  #window: Uint8Array = new Uint8Array(0);

  constructor(source: ByteSource) {
    this.#source = source;
  }

  async next(world: Parameters<typeof runPickle>[2]): Promise<PickleValue> {
    for (;;) {
      const run = await runPickle(this.#window, this.end, world);
      if (run !== undefined) {
        this.end = run.end;
        return run.value;
      }
      await this.#grow();
    }
  }

  async #grow(): Promise<void> {
    const { name, size } = this.#source;
    const had = this.#window.length;
    if (had === size) throw truncated(name, "the pickle", size + 1, size);
    if (had === MAX_PICKLE_BYTES)
      throw overLimit(name, "the size of the pickle in bytes", `over ${had}`, had);
    const length = Math.min(size, MAX_PICKLE_BYTES, Math.max(FIRST_WINDOW, had * WINDOW_GROWTH));
    this.#window = await readRange(this.#source, 0, length, "the pickle");
  }
}

/** The pickle may refer to a storage many times. All references must agree. */
function shareStorage(
  source: ByteSource,
  storages: Map<string, TorchStorage>,
  storage: TorchStorage,
): TorchStorage {
  const first = storages.get(storage.key) ?? storage;
  if (first.dtype !== storage.dtype || first.count !== storage.count)
    throw malformed(source.name, `the pickle contradicts itself about the storage ${quoted(storage.key)}`);
  storages.set(storage.key, first);
  return first;
}

function checkSystem(source: ByteSource, system: PickleValue): void {
  const littleEndian = system instanceof PickleDict ? system.entries.get("little_endian") : undefined;
  if (littleEndian === false)
    throw unsupported(
      source.name,
      "the checkpoint was written on a big-endian machine",
      "Save it on a little-endian one, or convert it to safetensors.",
    );
  if (littleEndian !== true) throw malformed(source.name, "the stream does not state its byte order");
}

/**
 * Finds the start of each storage's elements. Storages follow the order of `keys`, each after its number of elements.
 */
async function findStorages(
  source: ByteSource,
  storages: ReadonlyMap<string, TorchStorage>,
  keys: PickleValue,
  from: number,
): Promise<ReadonlyMap<string, number>> {
  if (!(keys instanceof PickleList)) throw malformed(source.name, "the stream has no list of storages");
  const starts = new Map<string, number>();
  let at = from;
  for (const key of keys.items) {
    const storage = typeof key === "string" ? storages.get(key) : undefined;
    if (storage === undefined) throw malformed(source.name, "the stream lists a storage that no tensor uses");
    if (starts.has(storage.key)) throw duplicateName(source.name, "the storage", storage.key);
    starts.set(storage.key, at + COUNT_BYTES);
    at += COUNT_BYTES + storageBytes(storage);
    if (at > source.size) throw truncated(source.name, `the storage ${storage.key}`, at, source.size);
  }
  if (at !== source.size)
    throw malformed(source.name, `${source.size - at} bytes at the end belong to no storage`);

  await inBatches([...starts], async ([key, start]) => {
    const count = readUint64(
      viewOf(await readRange(source, start - COUNT_BYTES, COUNT_BYTES, `storage ${key}`)),
      0,
    );
    const expected = storages.get(key)?.count;
    if (count !== expected)
      throw malformed(
        source.name,
        `the storage ${quoted(key)} has ${count ?? "too many"} elements, but the pickle has ${expected ?? 0}`,
      );
  });
  return starts;
}
