// The format of torch.save since PyTorch 1.6: a zip archive with `<prefix>/data.pkl`, and with each storage,
// uncompressed, as `<prefix>/data/<key>`. Tensors are ranges of the archive itself.
import type { ByteSource } from "@blip-ts/base";
import { malformed, missingMember, overLimit, quoted, truncated, unsupported } from "../errors.ts";
import { runPickle } from "./pickle.ts";
import { decodeUtf8, readRange } from "../read-range.ts";
import type { Checkpoint, StoredTensor } from "../stored-tensor.ts";
import { storageOf, torchGlobals, type TorchStorage } from "./globals.ts";
import { checkRepeats, findStateDict, inBatches, storageBytes, storeTensor } from "./state.ts";
import { locateMember, readZipDirectory, type ZipMember } from "../zip.ts";

/** The largest pickle in bytes. A retrieval checkpoint with its optimizer has about one megabyte. */
export const MAX_PICKLE_BYTES = 4_000_000;

/** Enough for "little" or "big", and a line end. */
const MAX_BYTEORDER_BYTES = 16;

/**
 * Opens a checkpoint that torch.save wrote as a zip archive.
 * @throws {ModelError} `checkpoint/...`: pickle-global, pickle-opcode, malformed, truncated, limit, unsupported, dtype,
 * missing-member, duplicate, not-a-tensor
 */
export async function readTorchZip(source: ByteSource): Promise<Checkpoint> {
  const members = await readZipDirectory(source);
  const prefix = findPrefix(source, members);
  await checkByteOrder(source, members.get(`${prefix}byteorder`));

  const pickle = await readMember(source, member(source, members, `${prefix}data.pkl`), MAX_PICKLE_BYTES);
  const run = await runPickle(pickle, 0, {
    where: source.name,
    findGlobal: torchGlobals(source.name),
    loadPersistent: (id) => storageOf(source.name, id),
  });
  if (run === undefined) throw truncated(source.name, "data.pkl", pickle.length + 1, pickle.length);
  const state = findStateDict(source.name, run.value);

  const storages = new Map([...state.tensors.values()].map(({ storage }) => [storage.key, storage]));
  const starts = new Map(
    await inBatches([...storages.keys()], async (key): Promise<[string, number]> => [
      key,
      await locateMember(source, member(source, members, `${prefix}data/${key}`)),
    ]),
  );
  const tensors = new Map<string, StoredTensor>();
  for (const [name, tensor] of state.tensors) {
    const { key } = tensor.storage;
    checkSize(source, tensor.storage, member(source, members, `${prefix}data/${key}`));
    const start = starts.get(key);
    if (start === undefined) throw new RangeError(`expected the start of storage ${key}, got none`);
    tensors.set(name, storeTensor(name, tensor, source, start));
  }
  checkRepeats(source, tensors);
  return { format: "torch-zip", tensors, metadata: state.metadata };
}

function member(source: ByteSource, members: ReadonlyMap<string, ZipMember>, name: string): ZipMember {
  const found = members.get(name);
  if (found === undefined) throw missingMember(source.name, name);
  return found;
}

/** The archive's folder, with its slash; empty if data.pkl is at the top. */
function findPrefix(source: ByteSource, members: ReadonlyMap<string, ZipMember>): string {
  const names = [...members.keys()];
  const pickles = names.filter((name) => name === "data.pkl" || name.endsWith("/data.pkl"));
  const [pickle] = pickles;
  if (pickle === undefined)
    throw missingMember(source.name, "data.pkl", "It is a zip archive, but not a PyTorch checkpoint.");
  if (pickles.length > 1)
    throw malformed(source.name, `the archive has ${pickles.length} files named data.pkl`);
  const prefix = pickle.slice(0, -"data.pkl".length);
  if (names.some((name) => name === `${prefix}constants.pkl` || name.startsWith(`${prefix}code/`)))
    throw unsupported(
      source.name,
      "this is a TorchScript archive: a program, not weights",
      "Save the model's state dict with torch.save instead.",
    );
  return prefix;
}

async function checkByteOrder(source: ByteSource, entry: ZipMember | undefined): Promise<void> {
  if (entry === undefined) return;
  const order = decodeUtf8(await readMember(source, entry, MAX_BYTEORDER_BYTES))?.trim();
  if (order === "little") return;
  if (order === "big")
    throw unsupported(
      source.name,
      "the checkpoint was written on a big-endian machine",
      "Save it on a little-endian one, or convert it to safetensors.",
    );
  throw malformed(source.name, `the byte order is ${quoted(order ?? "unreadable")}, expected little`);
}

async function readMember(source: ByteSource, entry: ZipMember, limit: number): Promise<Uint8Array> {
  if (entry.size > limit)
    throw overLimit(source.name, `the size of ${entry.name} in bytes`, entry.size, limit);
  return readRange(source, await locateMember(source, entry), entry.size, entry.name);
}

function checkSize(source: ByteSource, storage: TorchStorage, entry: ZipMember): void {
  const needed = storageBytes(storage);
  if (needed > entry.size)
    throw malformed(
      source.name,
      `the storage ${quoted(storage.key)} needs ${needed} bytes, ${quoted(entry.name)} has ${entry.size}`,
    );
}
