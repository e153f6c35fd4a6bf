// The messages between a decoder process and its parent.
import type { PlainError, Warning } from "@blip-ts/base";
import type { DecodeOptions } from "../../../image/decode-options.ts";
import type { RgbImage } from "../../../image/raw-image.ts";

/** The decode options that are plain data. */
export type PlainDecodeOptions = Pick<
  DecodeOptions,
  "alpha" | "orientation" | "grey16" | "maxPixels" | "size"
>;

/** The bytes of an image, or a file that the process reads itself. Reading a file may never end. */
export type ImageSource =
  { readonly name: string; readonly bytes: Uint8Array } | { readonly name: string; readonly path: string };

export type DecoderRequest =
  | { readonly kind: "decode"; readonly source: ImageSource; readonly options: PlainDecodeOptions }
  /** Allows the process to allocate the bytes that it requested. */
  | { readonly kind: "go" };

/** An error as plain data: an error of this package, or the message of any other error. */
export type SentError = PlainError | { readonly type: "other"; readonly message: string };

export type DecoderReply =
  /** The image has been read; `bytes` is the memory that decoding needs. The process waits for `go`. */
  | { readonly kind: "needs"; readonly bytes: number }
  | { readonly kind: "warning"; readonly warning: Warning }
  /** @param rss the process's current memory, in bytes */
  | { readonly kind: "done"; readonly image: RgbImage; readonly rss: number }
  | { readonly kind: "failed"; readonly error: SentError; readonly rss: number };
