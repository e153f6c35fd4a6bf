// What a process that decodes images and its owner say to each other.
import type { PlainError, Warning } from "@blip-ts/base";
import type { DecodeOptions } from "../../../image/decode-options.ts";
import type { RgbImage } from "../../../image/raw-image.ts";

/** How an image is decoded there: what of the options is data. */
export type PlainDecodeOptions = Pick<
  DecodeOptions,
  "alpha" | "orientation" | "grey16" | "maxPixels" | "size"
>;

/** The bytes of an image, or a file that the process reads itself, which may take for ever. */
export type ImageSource =
  { readonly name: string; readonly bytes: Uint8Array } | { readonly name: string; readonly path: string };

export type DecoderRequest =
  | { readonly kind: "decode"; readonly source: ImageSource; readonly options: PlainDecodeOptions }
  /** The bytes that it said it needs may be taken. */
  | { readonly kind: "go" };

/** An error as plain data: one of this package's, or the message of another one. */
export type SentError = PlainError | { readonly type: "other"; readonly message: string };

export type DecoderReply =
  /** The image is read; decoding takes so many bytes. It waits for `go`. */
  | { readonly kind: "needs"; readonly bytes: number }
  | { readonly kind: "warning"; readonly warning: Warning }
  /** @param rss what the process takes now, in bytes */
  | { readonly kind: "done"; readonly image: RgbImage; readonly rss: number }
  | { readonly kind: "failed"; readonly error: SentError; readonly rss: number };
