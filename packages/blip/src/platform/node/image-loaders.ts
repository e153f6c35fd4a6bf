// Which of libvips' decoders sharp may use. libvips chooses by the bytes, as we do; that both mean the same is checked.
import type sharp from "sharp";
import type { Metadata } from "sharp";
import { unsupported } from "../../image/errors.ts";
import { heic, type ImageFormat } from "../../image/sniff.ts";
import type { EncodedImage } from "./read-image.ts";

/**
 * Loaders of formats that are not read here, in any build of libvips: SVG and PDF are programs, whose time has no bound.
 * Names that a build lacks are let be.
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
 * Blocks them for this process, once, when the first image is decoded. A program that decodes SVG by the same sharp takes
 * that back with `sharp.unblock`; then `checkDecoder` still refuses them here.
 */
export function blockOtherLoaders(library: Pick<typeof sharp, "block">): void {
  if (blocked) return;
  blocked = true;
  library.block({ operation: otherLoaders });
}

/** What sharp calls the decoder of a format; GIF has our own. */
const decoders: Readonly<Record<ImageFormat, string>> = {
  jpeg: "jpeg",
  png: "png",
  webp: "webp",
  gif: "gif",
  avif: "heif",
  tiff: "tiff",
};

/** @throws {InputError} `image/unsupported` where libvips takes the bytes for another format than `sniff` */
export function checkDecoder({ name, format }: EncodedImage, metadata: Metadata): void {
  if (metadata.format === "heif" && metadata.compression !== "av1")
    throw unsupported(name, metadata.compression === "hevc" ? heic : "HEIF whose pixels are no AV1");
  if (metadata.format !== decoders[format])
    throw unsupported(
      name,
      `bytes that begin as ${format.toUpperCase()} does and that libvips takes for ${metadata.format}`,
    );
}
