// Writes zip archives of stored members for tests. Any field can be made wrong.
import { littleEndian } from "./pickle-bytes.ts";

export interface TestMember {
  readonly name: string;
  readonly data: Uint8Array;
  readonly method?: number;
  readonly flags?: number;
  /** The size and offset in the directory, if they should differ from the true ones. */
  readonly claimedSize?: number;
  readonly claimedOffset?: number;
  /** The name and size in the local header, if they should differ. */
  readonly localName?: string;
  readonly localSize?: number;
  /** Bytes of padding in the local header's extra field, which PyTorch uses to align storages. */
  readonly padding?: number;
}

export interface ZipOptions {
  readonly comment?: Uint8Array;
  readonly zip64?: boolean;
  /** The number of members in the end record. */
  readonly claimedCount?: number;
  readonly directoryShift?: number;
}

const utf8 = new TextEncoder();

export function zipOf(members: readonly TestMember[], options: ZipOptions = {}): Uint8Array<ArrayBuffer> {
  const out: number[] = [];
  const directory: number[] = [];
  const large = options.zip64 === true;
  for (const member of members) {
    const { name, data, method = 0, flags = 0, padding = 0 } = member;
    const offset = member.claimedOffset ?? out.length;
    const size = member.claimedSize ?? data.length;
    const local = utf8.encode(member.localName ?? name);
    const localSize = member.localSize ?? data.length;
    const common = [...littleEndian(flags, 2), ...littleEndian(method, 2), ...littleEndian(0, 8)];
    const sizes = [...littleEndian(localSize, 4), ...littleEndian(localSize, 4)];
    out.push(...littleEndian(0x04034b50, 4), 45, 0, ...common, ...sizes);
    out.push(...littleEndian(local.length, 2), ...littleEndian(padding, 2), ...local);
    out.push(...new Array<number>(padding).fill(0x5a));
    for (const byte of data) out.push(byte);

    const central = utf8.encode(name);
    const extra = large ? [1, 0, 24, 0, ...[size, size, offset].flatMap((n) => littleEndian(n, 8))] : [];
    const field = (value: number) => littleEndian(large ? 0xffffffff : value, 4);
    directory.push(...littleEndian(0x02014b50, 4), 45, 0, 45, 0, ...common, ...field(size), ...field(size));
    directory.push(...littleEndian(central.length, 2), ...littleEndian(extra.length, 2));
    directory.push(...littleEndian(0, 10), ...field(offset), ...central, ...extra);
  }
  const place = out.length + (options.directoryShift ?? 0);
  const count = options.claimedCount ?? members.length;
  const end64 = out.length + directory.length;
  out.push(...directory);
  if (large) {
    out.push(...littleEndian(0x06064b50, 4), ...littleEndian(44, 8), 45, 0, 45, 0, ...littleEndian(0, 8));
    out.push(...[count, count, directory.length, place].flatMap((n) => littleEndian(n, 8)));
    out.push(...littleEndian(0x07064b50, 4), ...littleEndian(0, 4), ...littleEndian(end64, 8));
    out.push(...littleEndian(1, 4));
  }
  const short = large ? 0xffff : count;
  const comment = options.comment ?? new Uint8Array(0);
  out.push(...littleEndian(0x06054b50, 4), ...littleEndian(0, 4), ...littleEndian(short, 2));
  out.push(...littleEndian(short, 2), ...littleEndian(large ? 0xffffffff : directory.length, 4));
  out.push(...littleEndian(large ? 0xffffffff : place, 4), ...littleEndian(comment.length, 2), ...comment);
  return Uint8Array.from(out);
}
