// How an image file becomes RGB pixels, where the references differ.
import type { Warning } from "@blip-ts/base";
import type { PillowOrder } from "./resize-bicubic.ts";

/** To what size an image is resized, and in which order of passes. */
export interface ResizedSize {
  /** In pixels. */
  readonly width: number;
  /** In pixels. */
  readonly height: number;
  /** Which of the two passes of the resize comes first. */
  readonly order: PillowOrder;
}

/** How a file becomes RGB. */
export interface DecodeOptions {
  /** `white`: transparency over white; `drop`: the alpha channel is thrown away. */
  readonly alpha: "white" | "drop";
  /** `upright` turns a picture as its EXIF orientation says. */
  readonly orientation: "stored" | "upright";
  /** 16-bit grey: `clip` at 255 as Pillow, or `scale` to 8 bits. */
  readonly grey16: "clip" | "scale";
  /** Most pixels of an image, checked before memory is taken for them: 178,956,970 unless told, as in Pillow. */
  readonly maxPixels?: number | undefined;
  /** Follows redirects of image URLs from public to private addresses too. A page's browser decides by itself. */
  readonly allowPrivateRedirects?: boolean | undefined;
  /** Stops the decoding. */
  readonly signal?: AbortSignal | undefined;
  /**
   * The size to which the caller resizes the image as `resizeBicubic` does. A decoder may do it where the pixels are, or
   * leave it to the caller.
   */
  readonly size?: ResizedSize | undefined;
  /**
   * For callers who are not trusted: decoded in a process of its own, which is ended if it does not end by itself. A
   * platform without processes decodes as it can.
   */
  readonly isolate?: boolean | undefined;
  /** Who asks: callers take turns. */
  readonly caller?: string | undefined;
  /** Milliseconds that decoding may take: 30,000 unless told. */
  readonly timeout?: number | undefined;
  /** What decoding may take of a bound of memory. */
  readonly memory?: DecodingMemory | undefined;
  /** Called with what the caller may ignore. Default: printed. */
  readonly onWarning?: ((warning: Warning) => void) | undefined;
}

/** What a bound of memory leaves for decoding an image. */
export interface DecodingMemory {
  /** Bytes that the decoding of an image may take in this process. */
  readonly here: number;
  /** Bytes that it may take in a process of its own, which ends after it; that process among them. */
  readonly apart: number;
  /** The bound, in bytes, with which an image would be decoded that takes so many bytes apart. */
  readonly boundFor: (bytes: number) => number;
}
