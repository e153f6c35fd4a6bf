// Images by sharp, to the bytes that Pillow 13 gives: colour profiles are not applied, CMYK by Pillow's formula, 16-bit
// grey and colour keys as Pillow sees them. GIF is decoded by image/gif.ts. AVIF is near, not equal: libheif repeats
// subsampled colour where libavif interpolates it (up to 20 of 255 at sharp edges, 1 where colour is not subsampled).
// It runs in this process or in one of its own (decoder-child.ts).
import sharp, { type Metadata, type Sharp } from "sharp";
import { grey16Clipped, truncated, unsupported } from "../../../image/errors.ts";
import type { DecodeOptions } from "../../../image/decode-options.ts";
import { type Orientation, orientationOf } from "../../../image/exif-orientation.ts";
import { decodeGif, parseGif } from "../../../image/gif.ts";
import { checkArea } from "../../../image/image-area.ts";
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
import { blockOtherLoaders, checkDecoder } from "../image-loaders.ts";
import type { EncodedImage } from "../read-image.ts";

/** How raw pixels become RGB. */
export function rawOptions(
  { alpha, grey16, onWarning }: Pick<DecodeOptions, "alpha" | "grey16" | "onWarning">,
  name: string,
): ToRgbOptions {
  const onClip = () => onWarning?.(grey16Clipped(name));
  return { alpha, grey16, onClip };
}

/** Grey of 16 bits that Pillow opens as such; it reads grey with alpha, and grey AVIF, as 8 bits a channel. */
const isGrey16 = ({ depth, space }: Metadata, { format }: EncodedImage, png: PngHeader | undefined) =>
  depth === "ushort" &&
  (space === "grey16" || space === "b-w") &&
  (format === "tiff" || png?.colourType === 0);

/** sharp mirrors first, and turns then: `flip` swaps top and bottom, `flop` left and right. */
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

/** Is there a last sample that no file calls alpha? Pillow drops it in every mode. */
const hasOtherSample = ({ format, bytes }: EncodedImage) =>
  format === "tiff" && !tiffHasAlpha(tiffKind(tiffDirectory(bytes)));

/** Decoded pixels as Pillow's convert("RGB") sees them. */
async function decodeBySharp(
  image: Sharp,
  metadata: Metadata,
  encoded: EncodedImage,
  options: DecodeOptions,
): Promise<RgbImage> {
  const { format, bytes, name } = encoded;
  // Pillow turns a TIFF by itself when it loads it.
  const upright = options.orientation === "upright" || format === "tiff";
  const turned = upright ? turns[orientationOf(format, bytes)](image) : image;
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

/** What sharp says of bytes that begin as an image does. */
function failure(name: string, error: unknown): Error {
  const message = error instanceof Error ? error.message : String(error);
  const lines = message.split("\n").map((line) => line.trim().replace(/:$/, ""));
  const detail = lines.find((line) => /\w/.test(line)) ?? "no reason given";
  // Where not even the header makes sense, sharp says that the format is unsupported.
  const variant = /(?<!contains )unsupported|not supported|unimplemented|bad labq/i.test(message);
  return variant
    ? unsupported(name, `a variant that sharp has no decoder for (${detail})`, error)
    : truncated(name, detail, error);
}

/**
 * The RGB bytes of an image that was inspected; of an animation, its first frame.
 * @throws {InputError} `image/unsupported`, `image/truncated`, `image/too-large`
 */
export async function decodeEncoded(encoded: EncodedImage, options: DecodeOptions): Promise<RgbImage> {
  const { signal, maxPixels, alpha } = options;
  const { name, bytes } = encoded;
  if (encoded.format === "gif") return decodeGif(bytes, parseGif(bytes, name), name, alpha);
  blockOtherLoaders();
  // The limit is checked here, from the header, so that the message is ours. Pillow, too, bears with libjpeg's warnings.
  const image = sharp(bytes, { ignoreIcc: true, failOn: "error", limitInputPixels: false });
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
