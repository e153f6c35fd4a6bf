// Options for decoding image files to RGB where the references differ.
import type { Warning } from "@blip-ts/base";
import type { PillowOrder } from "./resize-bicubic.ts";

/** The target size of a resize, and the order of its passes. */
export interface ResizedSize {
  /** In pixels. */
  readonly width: number;
  /** In pixels. */
  readonly height: number;
  /** The order of the two resize passes. */
  readonly order: PillowOrder;
}

/** Options for decoding a file to RGB. */
export interface DecodeOptions {
  /** `white` composites over white; `drop` discards the alpha channel. */
  readonly alpha: "white" | "drop";
  /** `upright` applies the EXIF orientation. */
  readonly orientation: "stored" | "upright";
  /** 16-bit grey: `clip` at 255, as Pillow does, or `scale` to 8 bits. */
  readonly grey16: "clip" | "scale";
  /** The most pixels of an image, checked before memory is allocated; by default 178,956,970, as in Pillow. */
  readonly maxPixels?: number | undefined;
  /** Also follows redirects of image URLs from public to private addresses. In a page, the browser decides. */
  readonly allowPrivateRedirects?: boolean | undefined;
  /** Stops the decoding. */
  readonly signal?: AbortSignal | undefined;
  /**
   * The size to which the caller resizes the image, equal to `resizeBicubic`. A decoder may resize the image itself or
   * leave this to the caller.
   */
  readonly size?: ResizedSize | undefined;
  /**
   * Decodes in a process of its own, which is killed if it does not end by itself; for untrusted callers. A platform
   * without processes ignores this.
   */
  readonly isolate?: boolean | undefined;
  /** The caller's identity: callers take turns. */
  readonly caller?: string | undefined;
  /** The time limit of decoding, in milliseconds; by default 30,000. */
  readonly timeout?: number | undefined;
  /** The memory for decoding within a memory bound. */
  readonly memory?: DecodingMemory | undefined;
  /** Receives warnings. By default they are printed. */
  readonly onWarning?: ((warning: Warning) => void) | undefined;
}

/** The memory that a bound leaves for decoding an image. */
export interface DecodingMemory {
  /** The most bytes for decoding an image in this process. */
  readonly here: number;
  /** The most bytes of a process that decodes one image and then ends, including the process itself. */
  readonly apart: number;
  /** Returns the bound, in bytes, under which an image that takes this many bytes apart would be decoded. */
  readonly boundFor: (bytes: number) => number;
}
