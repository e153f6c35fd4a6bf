// Restricts the libvips decoders that sharp may use. Both libvips and this package detect the format from the bytes;
// `checkDecoder` makes sure that both detect the same format.
import type sharp from "sharp";
import type { Metadata } from "sharp";
import { unsupported } from "../../image/errors.ts";
import { heic, type ImageFormat } from "../../image/sniff.ts";
import type { EncodedImage } from "./read-image.ts";

/**
 * The loaders of unsupported formats, in any build of libvips. SVG and PDF are programs, so their decoding time has no
 * bound. libvips ignores names that a build lacks.
 */
const otherLoaders = [
  ...[
    "Analyze",
    "Csv",
    "DcRaw",
    "Fits",
    "Jp2k",
    "Jxl",
    "Kakadu",
    "Magick",
    "Magick7",
    "Mat",
    "Matrix",
    "Nifti",
  ],
  ...["Openexr", "Openslide", "Pdf", "Ppm", "Rad", "Raw", "Svg", "Uhdr", "Vips"],
].map((name) => `VipsForeignLoad${name}`);

let blocked = false;

/**
 * Blocks these loaders for this process, once, when the first image is decoded. A program that decodes SVG with the
 * same sharp can call `sharp.unblock`; `checkDecoder` still refuses these formats here.
 */
export function blockOtherLoaders(library: Pick<typeof sharp, "block">): void {
  if (blocked) return;
  blocked = true;
  library.block({ operation: otherLoaders });
}

/** sharp's name for the decoder of each format. This package has its own GIF decoder. */
const decoders: Readonly<Record<ImageFormat, string>> = {
  jpeg: "jpeg",
  png: "png",
  webp: "webp",
  gif: "gif",
  avif: "heif",
  tiff: "tiff",
};

/** @throws {InputError} `image/unsupported` if libvips and `sniff` recognize different formats */
export function checkDecoder({ name, format }: EncodedImage, metadata: Metadata): void {
  if (metadata.format === "heif" && metadata.compression !== "av1")
    throw unsupported(name, metadata.compression === "hevc" ? heic : "HEIF without AV1 pixels");
  if (metadata.format !== decoders[format])
    throw unsupported(
      name,
      `bytes that begin like ${format.toUpperCase()} but that libvips reads as ${metadata.format}`,
    );
}
