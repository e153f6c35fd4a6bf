// Pictures by sharp, to the bytes that Pillow 13 gives: colour profiles are not applied, CMYK by Pillow's formula, 16-bit
// grey and colour keys as Pillow sees them. GIF is decoded by image/gif.ts. AVIF is near, not equal: libheif repeats
// subsampled colour where libavif interpolates it (up to 20 of 255 at sharp edges, 1 where colour is not subsampled).
import sharp, { type Metadata, type Sharp } from "sharp";
import { badRaw, truncated, unsupported } from "../../image/errors.ts";
import { decodeGif, parseGif } from "../../image/gif.ts";
import { checkArea } from "../../image/image-area.ts";
import { parsePngHeader, type PngHeader } from "../../image/png-header.ts";
import {
  cmykToRgb,
  isRawImage,
  toRgb,
  whitenColour,
  type RawImage,
  type RgbImage,
  type ToRgbOptions,
} from "../../image/raw-image.ts";
import type { DecodeOptions } from "../../image/decode-options.ts";
import { blockOtherLoaders, checkDecoder } from "./image-loaders.ts";
import { readImage, type EncodedInput, type EncodedImage } from "./read-image.ts";

/** A path, an http(s) or file URL, the bytes of a file, or raw pixels. */
export type ImageInput = EncodedInput | RawImage;

function rawOptions({ alpha, grey16, onWarning }: DecodeOptions, name: string): ToRgbOptions {
  const onClip = () =>
    onWarning?.({
      code: "grey16-clipped",
      message: `${name}: a 16-bit grey image is clipped at 255, as Pillow does; convert it to 8 bits for its full range`,
    });
  return { alpha, grey16, onClip };
}

/** Grey of 16 bits that Pillow opens as such; it reads grey with alpha, and grey AVIF, as 8 bits a channel. */
const isGrey16 = ({ depth, space }: Metadata, { format }: EncodedImage, png: PngHeader | undefined) =>
  depth === "ushort" &&
  (space === "grey16" || space === "b-w") &&
  (format === "tiff" || png?.colourType === 0);

/** Decoded pixels as Pillow's convert("RGB") sees them. */
async function decode(
  source: Sharp,
  metadata: Metadata,
  encoded: EncodedImage,
  options: DecodeOptions,
): Promise<RgbImage> {
  // Pillow turns a TIFF by itself when it loads it.
  const upright = options.orientation === "upright" || encoded.format === "tiff";
  const turned = upright ? source.autoOrient() : source;
  const png = encoded.format === "png" ? parsePngHeader(encoded.bytes) : undefined;
  const toOptions = rawOptions(options, encoded.name);
  const raw = async (image: Sharp, depth: "uchar" | "ushort" = "uchar") => {
    const { data, info } = await image.raw({ depth }).toBuffer({ resolveWithObject: true });
    return { data, width: info.width, height: info.height, channels: info.channels };
  };
  if (metadata.space === "cmyk") {
    const { data, width, height } = await raw(turned.pipelineColourspace("cmyk").toColourspace("cmyk"));
    return cmykToRgb(data, width, height);
  }
  const key = png?.key;
  const opaque = key ? turned.removeAlpha() : turned;
  let rgb: RgbImage;
  if (isGrey16(metadata, encoded, png)) {
    const { data, width, height } = await raw(opaque.removeAlpha().toColourspace("grey16"), "ushort");
    const words = new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2);
    rgb = await toRgb({ data: words, width, height, channels: 1 }, toOptions);
  } else rgb = await toRgb(await raw(opaque.toColourspace("srgb")), toOptions);
  return key && options.alpha === "white" ? whitenColour(rgb, key) : rgb;
}

/** What sharp says of bytes that begin as a picture does. */
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
 * The RGB bytes of a picture; of an animation, its first frame.
 * @param options `stored` leaves pixels as the file has them, but AVIF is always upright: its decoder turns it
 * @returns with raw RGB bytes, a view of them
 * @throws {InputError} `image/not-found`, `image/unreadable`, `image/not-an-image`, `image/unsupported`,
 * `image/truncated`, `image/too-large`, `image/bad-raw`, `image/unreachable`
 */
export async function decodeImage(input: ImageInput, options: DecodeOptions): Promise<RgbImage> {
  const { signal, maxPixels } = options;
  signal?.throwIfAborted();
  if (!isInput(input))
    throw badRaw(
      `expected a path, a URL, bytes, a Blob, or { data, width, height, channels }, found ${typeof input}.`,
    );
  if (typeof input === "object" && isRawImage(input)) {
    checkArea("raw pixels", input.width, input.height, maxPixels);
    return toRgb(input, rawOptions(options, "raw pixels"));
  }
  const encoded = await readImage(input, signal);
  const { name, bytes } = encoded;
  if (encoded.format === "gif") {
    const frame = parseGif(bytes, name);
    checkArea(name, frame.width, frame.height, maxPixels);
    return decodeGif(bytes, frame, name, options.alpha);
  }
  blockOtherLoaders();
  // The limit is checked here, from the header, so that the message is ours. Pillow, too, bears with libjpeg's warnings.
  const image = sharp(bytes, { ignoreIcc: true, failOn: "error", limitInputPixels: false });
  const metadata = await image.metadata().catch((error: unknown) => {
    throw failure(name, error);
  });
  checkDecoder(encoded, metadata);
  checkArea(name, metadata.width, metadata.height, maxPixels);
  signal?.throwIfAborted();
  return decode(image, metadata, encoded, options).catch((error: unknown) => {
    throw failure(name, error);
  });
}

/** Callers in JavaScript are not held to the types. */
function isInput(input: unknown): input is ImageInput {
  if (typeof input === "string") return true;
  if (typeof input !== "object" || input === null) return false;
  const classes = [URL, Uint8Array, ArrayBuffer, Blob];
  return isRawImage(input) || classes.some((one) => input instanceof one);
}
