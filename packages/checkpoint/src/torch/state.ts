// Converts the value of a PyTorch pickle to tensors as byte ranges: finds the state dict and checks every view of a
// storage.
import type { ByteSource } from "@blip-ts/base";
import { malformed, notATensor, quoted, repeatedStorage, shown } from "../errors.ts";
import { describeValue, PickleDict, type PickleValue } from "./pickle-values.ts";
import {
  BYTES_PER_ELEMENT,
  elementCount,
  isContiguous,
  lastElement,
  type StoredTensor,
} from "../stored-tensor.ts";
import { TorchTensor, type TorchStorage } from "./globals.ts";

/** The keys that may hold the state dict if it is not the whole file, in order of preference. */
export const WRAPPERS = ["model", "state_dict"] as const;

/** The most entries beside the state dict that are listed. */
const MAX_LISTED = 100;

export interface StateDict {
  readonly tensors: ReadonlyMap<string, TorchTensor>;
  /** `stateDict`: the key of the state dict. `otherEntries`: the ignored entries beside it, as JSON. */
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Finds the state dict in `root`: under "model", else under "state_dict", else `root` itself. Training state beside it
 * (optimizer, config, epoch) is ignored. Every entry of the state dict must be a tensor.
 * @throws {ModelError} `checkpoint/not-a-tensor`
 */
export function findStateDict(where: string, root: PickleValue): StateDict {
  if (!(root instanceof PickleDict)) throw notATensor(where, "the top level", describeValue(root));
  for (const wrapper of WRAPPERS) {
    const inner = root.entries.get(wrapper);
    if (!(inner instanceof PickleDict)) continue;
    const others = [...root.entries.keys()].filter((key) => key !== wrapper).map(keyText);
    return {
      tensors: tensorsOf(where, inner),
      metadata: {
        stateDict: wrapper,
        ...(others.length > 0 ? { otherEntries: JSON.stringify(others.slice(0, MAX_LISTED)) } : {}),
      },
    };
  }
  return { tensors: tensorsOf(where, root), metadata: { stateDict: "top level" } };
}

const keyText = (key: PickleValue): string => (typeof key === "string" ? shown(key) : describeValue(key));

function tensorsOf(where: string, dict: PickleDict): ReadonlyMap<string, TorchTensor> {
  const tensors = new Map<string, TorchTensor>();
  for (const [name, value] of dict.entries) {
    if (typeof name !== "string") throw notATensor(where, keyText(name), "a key that is not a string");
    if (!(value instanceof TorchTensor)) throw notATensor(where, name, describeValue(value));
    tensors.set(name, value);
  }
  return tensors;
}

/** The size of a storage in bytes, as declared in the pickle. */
export const storageBytes = ({ dtype, count }: TorchStorage): number =>
  dtype === "untyped" ? count : count * BYTES_PER_ELEMENT[dtype];

/**
 * Converts a tensor of the pickle to a range of the file.
 * @param start the offset of its storage's bytes in `source`
 * @throws {ModelError} `checkpoint/malformed` if the tensor exceeds its storage
 */
export function storeTensor(
  name: string,
  tensor: TorchTensor,
  source: ByteSource,
  start: number,
): StoredTensor {
  const { dtype, shape, strides, storageOffset } = tensor;
  const width = BYTES_PER_ELEMENT[dtype];
  const count = elementCount(shape);
  const byteLength = (count ?? Infinity) * width;
  const needed = count === 0 ? storageOffset : storageOffset + lastElement(shape, strides) + 1;
  if (!Number.isSafeInteger(byteLength) || !(needed * width <= storageBytes(tensor.storage)))
    throw malformed(
      source.name,
      `the tensor ${quoted(name)} of shape [${shape.join(", ")}] exceeds its storage of ${storageBytes(tensor.storage)} bytes`,
    );
  const offset = start + storageOffset * width;
  const stored = { name, dtype, shape, source, offset, byteLength };
  return isContiguous(shape, strides) ? stored : { ...stored, strides };
}

/**
 * The limit of all tensors' bytes together, as a multiple of the file's size. Tensors may share a storage: pre-training
 * ties most of its text encoder to its decoder, which makes less than 2. Without a limit, a stride of 0 could turn one
 * number into gigabytes.
 */
const MAX_REPEATS = 4;
/** The bytes that small files may repeat in addition: a tensor of positions, expanded to a batch. */
const FREE_REPEATED_BYTES = 2 ** 20;

/** @throws {ModelError} `checkpoint/limit` if the tensors are far larger than the file that they are views of */
export function checkRepeats(source: ByteSource, tensors: ReadonlyMap<string, StoredTensor>): void {
  const limit = MAX_REPEATS * source.size + FREE_REPEATED_BYTES;
  let total = 0;
  for (const { byteLength } of tensors.values()) total += byteLength;
  if (total > limit) throw repeatedStorage(source.name, total, source.size, limit);
}

/** Runs `work` over `items` in batches: many small reads at once, but not all. */
export async function inBatches<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  for (let start = 0; start < items.length; start += BATCH)
    results.push(...(await Promise.all(items.slice(start, start + BATCH).map(work))));
  return results;
}

const BATCH = 64;
