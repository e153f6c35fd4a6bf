// Image files as the parts that they consist of: what is damaged is a part, its length or its check, not bytes anywhere.
// JPEG in segments, PNG, WebP and AVIF in chunks or boxes, GIF in blocks, TIFF in the entries of its first directory.
import { crc32 } from "node:zlib";
import { must } from "@blip-ts/base";
import type { ImageFormat } from "../../src/image/sniff.ts";

/** A part of a file: a chunk, a segment, a box, a block, an entry. */
export interface ImagePart {
  /** Its name in the file: four letters, a marker, a tag. */
  readonly kind: string;
  readonly body: Uint8Array;
  /** A length that the file states instead of the true one. */
  readonly lie?: number | undefined;
}

/** A file taken apart: what stands before the parts is left as it is. */
export interface ImageParts {
  readonly head: Uint8Array;
  readonly parts: readonly ImagePart[];
}

interface ImageForm {
  split(bytes: Uint8Array): ImageParts;
  join(file: ImageParts): Uint8Array;
}

const letters = (bytes: Uint8Array, at: number) => Buffer.from(bytes.subarray(at, at + 4)).toString("latin1");
const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const u32 = (value: number, little = false): Uint8Array => {
  const bytes = Buffer.alloc(4);
  if (little) bytes.writeUInt32LE(value >>> 0);
  else bytes.writeUInt32BE(value >>> 0);
  return bytes;
};
const lengthOf = ({ body, lie }: ImagePart) => lie ?? body.length;

const png: ImageForm = {
  split(bytes) {
    const parts: ImagePart[] = [];
    for (let at = 8; at + 12 <= bytes.length;) {
      const length = viewOf(bytes).getUint32(at);
      parts.push({ kind: letters(bytes, at + 4), body: bytes.subarray(at + 8, at + 8 + length) });
      at += 12 + length;
    }
    return { head: bytes.subarray(0, 8), parts };
  },
  join: ({ head, parts }) =>
    Buffer.concat([
      head,
      ...parts.flatMap((part) => {
        const data = Buffer.concat([Buffer.from(part.kind, "latin1"), part.body]);
        return [u32(lengthOf(part)), data, u32(crc32(data))];
      }),
    ]),
};

const webp: ImageForm = {
  split(bytes) {
    const parts: ImagePart[] = [];
    for (let at = 12; at + 8 <= bytes.length;) {
      const length = viewOf(bytes).getUint32(at + 4, true);
      parts.push({ kind: letters(bytes, at), body: bytes.subarray(at + 8, at + 8 + length) });
      at += 8 + length + (length % 2);
    }
    return { head: bytes.subarray(0, 12), parts };
  },
  join({ head, parts }) {
    const chunks = parts.flatMap((part) => [
      Buffer.from(part.kind, "latin1"),
      u32(lengthOf(part), true),
      part.body,
      new Uint8Array(part.body.length % 2),
    ]);
    const content = Buffer.concat(chunks);
    return Buffer.concat([head.subarray(0, 4), u32(content.length + 4, true), head.subarray(8, 12), content]);
  },
};

/** The pixels of a scan go with its segment, up to the next marker. */
const jpeg: ImageForm = {
  split(bytes) {
    const parts: ImagePart[] = [];
    for (let at = 2; at + 4 <= bytes.length;) {
      const marker = must(bytes, at + 1, "marker");
      if (marker === 0xd9) break;
      let end = at + 2 + viewOf(bytes).getUint16(at + 2);
      if (marker === 0xda)
        while (end + 1 < bytes.length && !(bytes[end] === 0xff && must(bytes, end + 1) !== 0)) end++;
      parts.push({ kind: String.fromCharCode(marker), body: bytes.subarray(at + 2, end) });
      at = end;
    }
    return { head: bytes.subarray(0, 2), parts };
  },
  join: ({ head, parts }) =>
    Buffer.concat([
      head,
      ...parts.flatMap(({ kind, body, lie }) => {
        const content = Buffer.from(body);
        if (lie !== undefined && content.length >= 2) content.writeUInt16BE(lie & 0xffff);
        return [Uint8Array.of(0xff, kind.charCodeAt(0)), content];
      }),
      Uint8Array.of(0xff, 0xd9),
    ]),
};

/** Where the sub-blocks end that begin here. */
function endOfBlocks(bytes: Uint8Array, from: number): number {
  let at = from;
  while (at < bytes.length && must(bytes, at) > 0) at += 1 + must(bytes, at);
  return at + 1;
}

const tableBytes = (flags: number) => (flags & 128 ? 3 << ((flags & 7) + 1) : 0);

const gif: ImageForm = {
  split(bytes) {
    const begin = 13 + tableBytes(must(bytes, 10));
    const parts: ImagePart[] = [];
    for (let at = begin; at < bytes.length;) {
      const mark = must(bytes, at);
      const isImage = mark === 0x2c;
      if (!isImage && mark !== 0x21) break;
      const end = endOfBlocks(bytes, isImage ? at + 11 + tableBytes(must(bytes, at + 9)) : at + 2);
      parts.push({ kind: String.fromCharCode(mark), body: bytes.subarray(at + 1, end) });
      at = end;
    }
    return { head: bytes.subarray(0, begin), parts };
  },
  join: ({ head, parts }) =>
    Buffer.concat([
      head,
      ...parts.flatMap(({ kind, body }) => [Uint8Array.of(kind.charCodeAt(0)), body]),
      Uint8Array.of(0x3b),
    ]),
};

/** Boxes that consist of boxes, and the bytes that stand before those. */
const containers: Readonly<Record<string, number>> = { meta: 4, iprp: 0, ipco: 0 };

function splitBoxes(bytes: Uint8Array, from: number, to: number): ImagePart[] {
  const parts: ImagePart[] = [];
  for (let at = from; at + 8 <= to;) {
    const size = Math.max(8, viewOf(bytes).getUint32(at));
    const kind = letters(bytes, at + 4);
    const before = containers[kind];
    if (before === undefined) parts.push({ kind, body: bytes.subarray(at + 8, at + size) });
    else {
      // The box's own beginning, so that the next parts lie in it: its length is right as long as theirs are.
      parts.push({ kind: `${kind}:`, body: bytes.subarray(at, at + 8 + before) });
      parts.push(...splitBoxes(bytes, at + 8 + before, at + size));
    }
    at += size;
  }
  return parts;
}

const avif: ImageForm = {
  split: (bytes) => ({ head: new Uint8Array(0), parts: splitBoxes(bytes, 0, bytes.length) }),
  join: ({ head, parts }) =>
    Buffer.concat([
      head,
      ...parts.flatMap((part) =>
        part.kind.endsWith(":")
          ? [part.body]
          : [u32(lengthOf(part) + 8), Buffer.from(part.kind, "latin1"), part.body],
      ),
    ]),
};

/** Entries are written anew behind the file, where its header points to; BigTIFF stays one part. */
const tiff: ImageForm = {
  split(bytes) {
    const little = bytes[0] === 0x49;
    const view = viewOf(bytes);
    if (view.getUint16(2, little) === 43) return { head: bytes, parts: [] };
    const at = view.getUint32(4, little);
    const count = view.getUint16(at, little);
    const parts = Array.from({ length: count }, (_, entry) => {
      const body = bytes.subarray(at + 2 + 12 * entry, at + 14 + 12 * entry);
      return { kind: String(viewOf(body).getUint16(0, little)), body };
    });
    return { head: bytes, parts };
  },
  join({ head, parts }) {
    if (parts.length === 0) return head;
    const little = head[0] === 0x49;
    const file = Buffer.from(head);
    file.set(u32(head.length, little), 4);
    const count = Buffer.alloc(2);
    if (little) count.writeUInt16LE(parts.length);
    else count.writeUInt16BE(parts.length);
    return Buffer.concat([file, count, ...parts.map(({ body }) => body.subarray(0, 12)), u32(0)]);
  },
};

const forms: Readonly<Record<ImageFormat, ImageForm>> = { png, webp, jpeg, gif, avif, tiff };

/** One change of a file's parts. */
export interface PartEdit {
  /** Which part, counted round. */
  readonly part: number;
  readonly kind: "number" | "drop" | "double" | "many" | "swap" | "cut" | "rename" | "lie";
  /** Where in it, counted round. */
  readonly at: number;
  /** Bytes of a number. */
  readonly width: 1 | 2 | 4;
  readonly little: boolean;
  readonly value: number;
}

function withNumber(body: Uint8Array, { at, width, little, value }: PartEdit): Uint8Array {
  const copy = Buffer.from(body);
  for (let index = 0; index < width; index++) {
    const shift = 8 * (little ? index : width - 1 - index);
    const place = (at % Math.max(1, body.length)) + index;
    if (place < copy.length) copy[place] = Math.floor(value / 2 ** shift) & 0xff;
  }
  return copy;
}

function editParts(parts: readonly ImagePart[], edit: PartEdit): readonly ImagePart[] {
  if (parts.length === 0) return parts;
  const index = edit.part % parts.length;
  const part = must(parts, index);
  const other = must(parts, edit.at % parts.length);
  const put = (...list: readonly ImagePart[]) => parts.toSpliced(index, 1, ...list);
  switch (edit.kind) {
    case "number":
      return put({ ...part, body: withNumber(part.body, edit) });
    case "drop":
      return put();
    case "double":
      return put(part, part);
    case "many":
      return put(...Array.from({ length: 1 + (edit.value % 2_000) }, () => part));
    case "swap":
      return put(other);
    case "cut":
      return put({ ...part, body: part.body.subarray(0, edit.at % (part.body.length + 1)) });
    case "rename":
      return put({ ...part, kind: other.kind });
    case "lie":
      return put({ ...part, lie: edit.value });
  }
}

/** A file with its parts changed. */
export function withEdits(format: ImageFormat, bytes: Uint8Array, edits: readonly PartEdit[]): Uint8Array {
  const form = forms[format];
  const { head, parts } = form.split(bytes);
  return form.join({ head, parts: edits.reduce(editParts, parts) });
}
