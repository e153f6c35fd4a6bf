// Decodes images with sharp to the same bytes as Pillow 13: colour profiles are not applied, CMYK is converted with
// Pillow's formula, and 16-bit grey and colour keys follow Pillow. GIF is decoded by image/gif.ts. AVIF is close but
// not equal: libheif repeats subsampled colour, whereas libavif interpolates it (up to 20 of 255 at sharp edges, 1
// without subsampling). This code runs in the caller's process or in a decoder process (decoder-child.ts).
import type { Metadata, Sharp } from "sharp";
import { grey16Clipped, truncated, unsupported } from "../../../image/errors.ts";
import type { DecodeOptions } from "../../../image/decode-options.ts";
import { turnTo } from "../../../image/exif-orientation.ts";
import { decodeGif, parseGif } from "../../../image/gif.ts";
import { checkArea } from "../../../image/image-area.ts";
import type { Orientation } from "../../../image/orientation.ts";
import { parsePngHeader, type PngHeader } from "../../../image/png-header.ts";
import {
  cmykToRgb,
  toRgb,
  whitenColour,
  type RgbImage,
  type ToRgbOptions,
} from "../../../image/raw-image.ts";
import { tiffDirectory } from "../../../image/tiff-directory.ts";
import { tiffHasAlpha, tiffKind } from "../../../image/tiff-kind.ts";
import { isOpaqueAnimation, withAlphaAnnounced } from "../../../image/webp-chunks.ts";
import { loadSharp } from "../load-sharp.ts";
import { blockOtherLoaders, checkDecoder } from "../image-loaders.ts";
import type { EncodedImage } from "../read-image.ts";

/** The options of the conversion from raw pixels to RGB. */
export function rawOptions(
  { alpha, grey16, onWarning }: Pick<DecodeOptions, "alpha" | "grey16" | "onWarning">,
  name: string,
): ToRgbOptions {
  const onClip = () => onWarning?.(grey16Clipped(name));
  return { alpha, grey16, onClip };
}

/**
 * Whether Pillow opens the image as 16-bit grey. Pillow reads grey with alpha, and grey AVIF, as 8 bits per channel.
 */
const isGrey16 = ({ depth, space }: Metadata, { format }: EncodedImage, png: PngHeader | undefined) =>
  depth === "ushort" &&
  (space === "grey16" || space === "b-w") &&
  (format === "tiff" || png?.colourType === 0);

/** sharp mirrors before it rotates: `flip` swaps top and bottom, `flop` left and right. */
const turns: Readonly<Record<Orientation, (image: Sharp) => Sharp>> = {
  1: (image) => image,
  2: (image) => image.flop(),
  3: (image) => image.rotate(180),
  4: (image) => image.flip(),
  5: (image) => image.rotate(90).flip(),
  6: (image) => image.rotate(90),
  7: (image) => image.rotate(270).flip(),
  8: (image) => image.rotate(270),
};

/**
 * Whether the pixels may have an extra last sample that the file does not declare as alpha: in TIFF, and in
 * animated WebP. Pillow always drops the sample.
 */
const hasOtherSample = ({ format, bytes }: EncodedImage) =>
  (format === "tiff" && !tiffHasAlpha(tiffKind(tiffDirectory(bytes)))) ||
  (format === "webp" && isOpaqueAnimation(bytes));

/** The decoded pixels, equal to those of Pillow's convert("RGB"). */
async function decodeBySharp(
  image: Sharp,
  metadata: Metadata,
  encoded: EncodedImage,
  options: DecodeOptions,
): Promise<RgbImage> {
  const { format, bytes, name } = encoded;
  // Pillow itself applies a TIFF's orientation when it loads the file.
  const turned =
    turns[await turnTo(format === "tiff" ? "upright" : options.orientation, format, bytes)](image);
  const png = format === "png" ? parsePngHeader(bytes) : undefined;
  const toOptions = rawOptions(options, name);
  const raw = async (pipeline: Sharp, depth: "uchar" | "ushort" = "uchar") => {
    const { data, info } = await pipeline.raw({ depth }).toBuffer({ resolveWithObject: true });
    return { data, width: info.width, height: info.height, channels: info.channels };
  };
  if (metadata.space === "cmyk") {
    const { data, width, height } = await raw(turned.pipelineColourspace("cmyk").toColourspace("cmyk"));
    return cmykToRgb(data, width, height);
  }
  const key = png?.key;
  const opaque = key || hasOtherSample(encoded) ? turned.removeAlpha() : turned;
  let rgb: RgbImage;
  if (isGrey16(metadata, encoded, png)) {
    const { data, width, height } = await raw(opaque.removeAlpha().toColourspace("grey16"), "ushort");
    const words = new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2);
    rgb = await toRgb({ data: words, width, height, channels: 1 }, toOptions);
  } else rgb = await toRgb(await raw(opaque.toColourspace("srgb")), toOptions);
  return key && options.alpha === "white" ? whitenColour(rgb, key) : rgb;
}

/** The error for bytes that begin like an image but that sharp cannot decode. */
function failure(name: string, error: unknown): Error {
  const message = error instanceof Error ? error.message : String(error);
  const lines = message.split("\n").map((line) => line.trim().replace(/:$/, ""));
  const detail = lines.find((line) => /\w/.test(line)) ?? "no reason given";
  // sharp also reports an unsupported format if it cannot parse the header.
  const variant = /(?<!contains )unsupported|not supported|unimplemented|bad labq/i.test(message);
  return variant
    ? unsupported(name, `a variant that sharp cannot decode (${detail})`, error)
    : truncated(name, detail, error);
}

/**
 * Returns the RGB bytes of an inspected image; for an animation, of its first frame.
 * @throws {InputError} `image/unsupported`, `image/truncated`, `image/too-large`
 */
export async function decodeEncoded(encoded: EncodedImage, options: DecodeOptions): Promise<RgbImage> {
  const { signal, maxPixels, alpha } = options;
  const { name, bytes } = encoded;
  if (encoded.format === "gif") return decodeGif(bytes, parseGif(bytes, name), name, alpha);
  const sharp = await loadSharp();
  blockOtherLoaders(sharp);
  const file = encoded.format === "webp" ? withAlphaAnnounced(bytes) : bytes;
  // checkArea checks the limit from the header, so that the error comes from this package. As in Pillow, libjpeg's
  // warnings are not errors.
  const image = sharp(file, { ignoreIcc: true, failOn: "error", limitInputPixels: false });
  const metadata = await image.metadata().catch((error: unknown) => {
    throw failure(name, error);
  });
  checkDecoder(encoded, metadata);
  checkArea(name, metadata.width, metadata.height, maxPixels);
  signal?.throwIfAborted();
  return decodeBySharp(image, metadata, encoded, options).catch((error: unknown) => {
    throw failure(name, error);
  });
}
