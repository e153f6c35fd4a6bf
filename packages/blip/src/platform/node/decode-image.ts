// Pictures by sharp, to the bytes that Pillow gives: colour profiles are not applied, CMYK by Pillow's formula, 16-bit
// grey by choice.
import { stat } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import sharp, { type Metadata, type OutputInfo, type Sharp } from "sharp";
import { notAnImage, notFound, tooLarge, truncated } from "../../image/errors.ts";
import {
  cmykToRgb,
  grey16ToGrey8,
  isRawImage,
  toRgb,
  type RawImage,
  type RgbImage,
} from "../../image/raw-image.ts";
import type { DecodeOptions } from "../../platform.ts";
import { fetchImage } from "./fetch-image.ts";

/** A path, an http(s) or file URL, the bytes of a file, or raw pixels. */
export type ImageInput = string | URL | Uint8Array | ArrayBuffer | Blob | RawImage;

/** Most pixels that a picture may declare: twice Pillow's warning, which is where Pillow refuses. */
export const maxPixels = 178_956_970;

interface Encoded {
  readonly name: string;
  readonly bytes: string | Uint8Array;
}

async function encodedOf(
  input: Exclude<ImageInput, RawImage>,
  signal: AbortSignal | undefined,
): Promise<Encoded> {
  if (typeof input === "string" || input instanceof URL) {
    const text = String(input);
    if (/^https?:/i.test(text)) return { name: text, bytes: await fetchImage(text, signal) };
    const path = text.startsWith("file:") ? fileURLToPath(text) : text;
    const found = await stat(path).catch(() => undefined);
    if (!found?.isFile()) throw notFound(path);
    if (found.size === 0) throw notAnImage(path, "an empty file");
    return { name: path, bytes: path };
  }
  if (input instanceof Blob) return { name: "the picture", bytes: new Uint8Array(await input.arrayBuffer()) };
  return { name: "the picture", bytes: input instanceof Uint8Array ? input : new Uint8Array(input) };
}

/** What bytes that sharp does not know look like. */
async function describe(bytes: string | Uint8Array): Promise<string> {
  let head: Uint8Array;
  if (typeof bytes === "string") {
    const { open } = await import("node:fs/promises");
    const file = await open(bytes);
    try {
      head = new Uint8Array(64);
      head = head.subarray(0, (await file.read(head, 0, 64, 0)).bytesRead);
    } finally {
      await file.close();
    }
  } else head = bytes.subarray(0, 64);
  const text = new TextDecoder("latin1").decode(head);
  if (/^\s*<(?:!doctype|html)/i.test(text)) return "a web page";
  if (/^[\t\n\r\x20-\x7e\xa0-\xff]+$/.test(text))
    return `text ("${text.slice(0, 24).replace(/\s+/g, " ")}...")`;
  return `bytes of no known picture format (${Buffer.from(head.subarray(0, 8)).toString("hex")}...)`;
}

async function raw(picture: Sharp): Promise<{ readonly data: Buffer; readonly info: OutputInfo }> {
  return picture.raw().toBuffer({ resolveWithObject: true });
}

const isGrey16 = ({ depth, space, channels }: Metadata) =>
  depth === "ushort" && (space === "grey16" || space === "b-w") && channels === 1;

/** Decoded pixels as Pillow's convert("RGB") sees them. */
async function decode(picture: Sharp, metadata: Metadata, options: DecodeOptions): Promise<RgbImage> {
  const turned = options.orientation === "upright" ? picture.autoOrient() : picture;
  if (metadata.space === "cmyk") {
    const { data, info } = await raw(turned.pipelineColourspace("cmyk").toColourspace("cmyk"));
    return cmykToRgb(data, info.width, info.height);
  }
  if (isGrey16(metadata)) {
    if (options.grey16 === "clip")
      options.onWarning?.({
        code: "grey16-clipped",
        message:
          "a 16-bit grey picture is clipped at 255, as Pillow does; convert it to 8 bits for its full range",
      });
    const { data, info } = await turned
      .toColourspace("grey16")
      .raw({ depth: "ushort" })
      .toBuffer({ resolveWithObject: true });
    const words = new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2);
    const grey = grey16ToGrey8(words, options.grey16);
    return toRgb({ data: grey, width: info.width, height: info.height, channels: 1 }, options.alpha);
  }
  const { data, info } = await raw(turned.toColourspace("srgb"));
  return toRgb({ data, width: info.width, height: info.height, channels: info.channels }, options.alpha);
}

/**
 * The RGB bytes of a picture; of an animation, its first frame.
 * @throws {InputError} `image/not-found`, `image/not-an-image`, `image/truncated`, `image/too-large`, `image/bad-raw`,
 * `image/unreachable`
 */
export async function decodeImage(input: ImageInput, options: DecodeOptions): Promise<RgbImage> {
  options.signal?.throwIfAborted();
  if (typeof input === "object" && isRawImage(input)) return toRgb(input, options.alpha);
  const { name, bytes } = await encodedOf(input, options.signal);
  // The limit is checked here, from the header, so that the message is ours.
  const picture = sharp(bytes, { ignoreIcc: true, failOn: "error", limitInputPixels: false });
  let metadata: Metadata;
  try {
    metadata = await picture.metadata();
  } catch (error) {
    throw notAnImage(name, await describe(bytes), error);
  }
  const { width, height } = metadata;
  if (width * height > maxPixels) throw tooLarge(name, width, height, maxPixels);
  try {
    return await decode(picture, metadata, options);
  } catch (error) {
    const detail = error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
    throw truncated(name, detail, error);
  }
}
