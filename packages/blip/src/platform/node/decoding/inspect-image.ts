// Checks an image's header against the limits before memory is allocated for its pixels.
import { truncated, unsupported } from "../../../image/errors.ts";
import { declaredSize } from "../../../image/declared-size.ts";
import { parseGif } from "../../../image/gif.ts";
import { checkParts, checkSize } from "../../../image/image-bounds.ts";
import { tiffDirectory } from "../../../image/tiff-directory.ts";
import { tiffKind, unreadTiff } from "../../../image/tiff-kind.ts";
import type { EncodedImage } from "../read-image.ts";
import { decodingBytes } from "./decoding-cost.ts";

/** An image that passed the checks. */
export interface InspectedImage extends EncodedImage {
  /** The peak memory of decoding the image in bytes, including its file. */
  readonly needs: number;
}

function sizeOf({ name, bytes, format }: EncodedImage) {
  if (format === "gif") return parseGif(bytes, name);
  const size = declaredSize(format, bytes);
  if (!size) throw truncated(name, "its header has no size");
  return size;
}

/** @throws {InputError} `image/truncated`, `image/too-large`, `image/unsupported` */
export async function inspectImage(
  encoded: EncodedImage,
  maxPixels: number | undefined,
): Promise<InspectedImage> {
  const { name, bytes, format } = encoded;
  const { width, height } = sizeOf(encoded);
  checkSize(name, { width, height, bytes: bytes.length }, maxPixels);
  checkParts(name, format, bytes);
  const unread = format === "tiff" ? unreadTiff(tiffKind(tiffDirectory(bytes))) : undefined;
  if (unread !== undefined) throw unsupported(name, unread);
  return { ...encoded, needs: await decodingBytes(encoded, { width, height }) };
}
