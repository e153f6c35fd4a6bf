// Removes EXIF from files for browsers. The HTML standard now treats `imageOrientation: "none"` as "from-image", so
// some browsers apply the EXIF orientation to every image, others only for a few formats.
import { jpegSegments } from "../../image/jpeg-header.ts";
import type { ImageFormat } from "../../image/sniff.ts";
import { riffChunks, webpFlags } from "../../image/webp-chunks.ts";
import { joined } from "./chunks.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** A JPEG without its APP1 segments, which hold EXIF and XMP. */
function jpegWithout(bytes: Bytes): Bytes {
  const kept: Bytes[] = [];
  let from = 0;
  for (const { marker, start, end } of jpegSegments(bytes)) {
    if (marker !== 0xe1) continue;
    kept.push(bytes.subarray(from, start - 4));
    from = end;
  }
  return from === 0 ? bytes : joined([...kept, bytes.subarray(from)]);
}

/** A WebP without its EXIF chunk. */
function webpWithout(bytes: Bytes): Bytes {
  const chunks = [...riffChunks(bytes)];
  if (!chunks.some(({ type }) => type === "EXIF")) return bytes;
  const others = chunks.filter(({ type }) => type !== "EXIF");
  const file = joined([
    bytes.subarray(0, 12),
    ...others.map(({ start, next }) => bytes.subarray(start, next)),
  ]);
  const view = new DataView(file.buffer);
  view.setUint32(4, file.length - 8, true);
  for (const { type, data } of riffChunks(file))
    if (type === "VP8X") view.setUint8(data, view.getUint8(data) & ~webpFlags.exif);
  return file;
}

/** Removes EXIF; returns the file itself if it has none or has another format. */
export function withoutExif(format: ImageFormat, bytes: Bytes): Bytes {
  if (format === "jpeg") return jpegWithout(bytes);
  return format === "webp" ? webpWithout(bytes) : bytes;
}
