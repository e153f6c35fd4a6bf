// Reads the directory of a zip archive and locates the bytes of stored members (PyTorch does not compress them).
// Follows PKWARE's APPNOTE, including zip64. Archives that the reader cannot verify are refused.
import { type ByteSource, nextTurn } from "@blip-ts/base";
import { duplicateName, malformed, overLimit, quoted, unsupported } from "./errors.ts";
import { decodeUtf8, readRange, readUint64, viewOf } from "./read-range.ts";

/**
 * The largest central directory in bytes, that is 86,956 members. A pre-training checkpoint of BLIP has some 200,000
 * bytes.
 */
export const MAX_DIRECTORY_BYTES = 4_000_000;

/** The members processed per turn of the event loop: a few milliseconds of work. */
const MEMBERS_A_TURN = 5_000;

const END_BYTES = 22;
const MAX_COMMENT_BYTES = 0xffff;
const LOCATOR_BYTES = 20;
const END64_BYTES = 56;
const CENTRAL_BYTES = 46;
const LOCAL_BYTES = 30;

const END_SIGNATURE = 0x06054b50;
const LOCATOR_SIGNATURE = 0x07064b50;
const END64_SIGNATURE = 0x06064b50;
const CENTRAL_SIGNATURE = 0x02014b50;
const LOCAL_SIGNATURE = 0x04034b50;

const ZIP64_EXTRA = 0x0001;
const IN_ZIP64_16 = 0xffff;
const IN_ZIP64_32 = 0xffffffff;
const ENCRYPTED = 0x0001 | 0x0040 | 0x2000;
const SIZES_FOLLOW_DATA = 0x0008;

const METHOD_NAMES: ReadonlyMap<number, string> = new Map([
  [8, "deflate"],
  [9, "deflate64"],
  [12, "bzip2"],
  [14, "LZMA"],
  [93, "zstd"],
  [95, "xz"],
]);

/** A member as the directory describes it. */
export interface ZipMember {
  readonly name: string;
  /** The length of the name in UTF-8. */
  readonly nameBytes: number;
  readonly size: number;
  /** Its size in the archive; equal to `size` if it is stored uncompressed. */
  readonly packedSize: number;
  readonly flags: number;
  readonly method: number;
  /** The offset of its local header. */
  readonly headerOffset: number;
  /** The first byte after its space: the next local header, or the central directory. */
  readonly boundary: number;
}

interface DirectoryPlace {
  readonly offset: number;
  readonly size: number;
  readonly members: number;
}

/**
 * Reads the central directory. `locateMember` checks whether a member can be used.
 * @returns the members by name
 * @throws {ModelError} `checkpoint/malformed`, `checkpoint/unsupported`, `checkpoint/limit`, `checkpoint/duplicate`
 */
export async function readZipDirectory(source: ByteSource): Promise<ReadonlyMap<string, ZipMember>> {
  const directory = await findDirectory(source);
  if (directory.size > MAX_DIRECTORY_BYTES)
    throw overLimit(source.name, "the size of the zip directory", directory.size, MAX_DIRECTORY_BYTES);
  if (directory.members * CENTRAL_BYTES > directory.size)
    throw malformed(
      source.name,
      `a zip directory of ${directory.size} bytes cannot hold ${directory.members} members`,
    );
  const bytes = await readRange(source, directory.offset, directory.size, "the zip directory");

  const members = new Map<string, Omit<ZipMember, "boundary">>();
  let at = 0;
  for (let index = 0; index < directory.members; index++) {
    if (index % MEMBERS_A_TURN === MEMBERS_A_TURN - 1) await nextTurn();
    const { next, ...member } = readCentralHeader(source, bytes, at);
    if (members.has(member.name)) throw duplicateName(source.name, "the zip member", member.name);
    members.set(member.name, member);
    at = next;
  }
  if (at !== directory.size) throw malformed(source.name, "the zip directory is longer than its members");
  return withBoundaries(source, members, directory.offset);
}

/** Finds the directory through the end record, and through the zip64 end record if there is one. */
async function findDirectory(source: ByteSource): Promise<DirectoryPlace> {
  const tailLength = Math.min(source.size, END_BYTES + MAX_COMMENT_BYTES + LOCATOR_BYTES + END64_BYTES);
  const tailOffset = source.size - tailLength;
  const tail = await readRange(source, tailOffset, tailLength, "the end of the zip archive");
  const view = viewOf(tail);
  const at = findEndRecord(view);
  if (at === undefined)
    throw malformed(source.name, "the zip archive has no end record; such a file is usually incomplete");

  const small = {
    members: view.getUint16(at + 10, true),
    size: view.getUint32(at + 12, true),
    offset: view.getUint32(at + 16, true),
  };
  if (
    view.getUint16(at + 4, true) !== view.getUint16(at + 6, true) ||
    view.getUint16(at + 8, true) !== small.members
  )
    throw unsupported(source.name, "the zip archive is split over several files", "Join the parts first.");
  const locatorAt = at - LOCATOR_BYTES;
  const hasZip64 = locatorAt >= 0 && view.getUint32(locatorAt, true) === LOCATOR_SIGNATURE;
  const directory = hasZip64 ? await readEnd64(source, readUint64(view, locatorAt + 8)) : small;
  const endsAt = hasZip64 ? readUint64(view, locatorAt + 8) : tailOffset + at;

  const agrees =
    (small.members === IN_ZIP64_16 || small.members === directory.members) &&
    (small.size === IN_ZIP64_32 || small.size === directory.size) &&
    (small.offset === IN_ZIP64_32 || small.offset === directory.offset);
  if (!agrees || directory.offset + directory.size !== endsAt)
    throw malformed(source.name, "the end record of the zip archive does not point at its directory");
  return directory;
}

/** Finds the last end record whose comment ends exactly at the end of the file. */
function findEndRecord(view: DataView): number | undefined {
  for (
    let at = view.byteLength - END_BYTES;
    at >= 0 && at >= view.byteLength - END_BYTES - MAX_COMMENT_BYTES;
    at--
  ) {
    const isEnd = view.getUint32(at, true) === END_SIGNATURE;
    if (isEnd && at + END_BYTES + view.getUint16(at + 20, true) === view.byteLength) return at;
  }
  return undefined;
}

async function readEnd64(source: ByteSource, offset: number | undefined): Promise<DirectoryPlace> {
  const bad = () => malformed(source.name, "the zip64 end record cannot be used");
  if (offset === undefined) throw bad();
  const view = viewOf(await readRange(source, offset, END64_BYTES, "the zip64 end record"));
  const members = readUint64(view, 32);
  const size = readUint64(view, 40);
  const directory = readUint64(view, 48);
  const isWhole = view.getUint32(0, true) === END64_SIGNATURE && readUint64(view, 24) === members;
  if (!isWhole || members === undefined || size === undefined || directory === undefined) throw bad();
  return { members, size, offset: directory };
}

function readCentralHeader(source: ByteSource, bytes: Uint8Array, at: number) {
  const view = viewOf(bytes);
  if (at + CENTRAL_BYTES > bytes.length || view.getUint32(at, true) !== CENTRAL_SIGNATURE)
    throw malformed(source.name, "the zip directory is broken");
  const nameEnd = at + CENTRAL_BYTES + view.getUint16(at + 28, true);
  const extraEnd = nameEnd + view.getUint16(at + 30, true);
  const next = extraEnd + view.getUint16(at + 32, true);
  if (next > bytes.length)
    throw malformed(source.name, "a header of the zip directory is longer than the directory");
  const name = decodeUtf8(bytes.subarray(at + CENTRAL_BYTES, nameEnd));
  if (name === undefined) throw malformed(source.name, "the name of a zip member is not UTF-8");

  const flags = view.getUint16(at + 8, true);
  const method = view.getUint16(at + 10, true);
  const [size, packedSize, headerOffset] = resolveZip64(
    [view.getUint32(at + 24, true), view.getUint32(at + 20, true), view.getUint32(at + 42, true)],
    view,
    nameEnd,
    extraEnd,
  );
  const nameBytes = nameEnd - at - CENTRAL_BYTES;
  if (size === undefined || packedSize === undefined || headerOffset === undefined)
    throw malformed(source.name, `the zip directory lacks the size or the offset of ${quoted(name)}`);
  return { name, nameBytes, size, packedSize, flags, method, headerOffset, next };
}

function checkStored(source: ByteSource, name: string, flags: number, method: number): void {
  if ((flags & ENCRYPTED) !== 0)
    throw unsupported(
      source.name,
      `the zip member ${quoted(name)} is encrypted`,
      "Decrypt the archive first.",
    );
  if (method !== 0)
    throw unsupported(
      source.name,
      `the zip member ${quoted(name)} is compressed (${METHOD_NAMES.get(method) ?? `method ${method}`})`,
      "PyTorch stores members uncompressed; save the checkpoint again with torch.save.",
    );
}

/** Replaces values that do not fit 32 bits by those of the zip64 extra field, in order. */
function resolveZip64(
  values: readonly number[],
  view: DataView,
  from: number,
  to: number,
): (number | undefined)[] {
  if (!values.includes(IN_ZIP64_32)) return [...values];
  let at = from;
  while (at + 4 <= to && view.getUint16(at, true) !== ZIP64_EXTRA) at += 4 + view.getUint16(at + 2, true);
  const end = at + 4 <= to ? Math.min(to, at + 4 + view.getUint16(at + 2, true)) : from;
  at += 4;
  return values.map((value) => {
    if (value !== IN_ZIP64_32) return value;
    const large = at + 8 <= end ? readUint64(view, at) : undefined;
    at += 8;
    return large;
  });
}

/** Sets each member's boundary, and refuses members that overlap. */
function withBoundaries(
  source: ByteSource,
  members: ReadonlyMap<string, Omit<ZipMember, "boundary">>,
  directoryOffset: number,
): ReadonlyMap<string, ZipMember> {
  const result = new Map<string, ZipMember>();
  let boundary = directoryOffset;
  for (const member of [...members.values()].sort((a, b) => b.headerOffset - a.headerOffset)) {
    if (member.headerOffset + LOCAL_BYTES + member.packedSize > boundary)
      throw malformed(source.name, `the zip member ${quoted(member.name)} overlaps the data after it`);
    result.set(member.name, { ...member, boundary });
    boundary = member.headerOffset;
  }
  return result;
}

/**
 * The offset of a member's bytes: after its local header, which must agree with the directory.
 * @throws {ModelError} `checkpoint/malformed`, `checkpoint/unsupported`
 */
export async function locateMember(source: ByteSource, member: ZipMember): Promise<number> {
  const bad = (detail: string) =>
    malformed(source.name, `the local header of ${quoted(member.name)} ${detail}`);
  checkStored(source, member.name, member.flags, member.method);
  if (member.size !== member.packedSize)
    throw malformed(
      source.name,
      `the zip directory contradicts itself about the size of ${quoted(member.name)}`,
    );
  const length = LOCAL_BYTES + member.nameBytes;
  if (member.headerOffset + length > member.boundary) throw bad("overlaps the data after it");
  const bytes = await readRange(source, member.headerOffset, length, `the local header of ${member.name}`);
  const view = viewOf(bytes);
  const flags = view.getUint16(6, true);
  const agrees =
    view.getUint32(0, true) === LOCAL_SIGNATURE &&
    view.getUint16(26, true) === member.nameBytes &&
    decodeUtf8(bytes.subarray(LOCAL_BYTES)) === member.name;
  if (!agrees) throw bad("is missing");
  checkStored(source, member.name, flags, view.getUint16(8, true));
  const size = view.getUint32(22, true);
  if ((flags & SIZES_FOLLOW_DATA) === 0 && size !== IN_ZIP64_32 && size !== member.size)
    throw bad(`has ${size} bytes, but the directory has ${member.size}`);
  const dataOffset = member.headerOffset + length + view.getUint16(28, true);
  if (dataOffset + member.size > member.boundary) throw bad("leaves too little room for its data");
  return dataOffset;
}
