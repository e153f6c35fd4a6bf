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
  /** Cancels the decoding. */
  readonly signal?: AbortSignal | undefined;
  /**
   * The size to which the caller resizes the image with `resizeBicubic`. A decoder may already resize the image, with
   * the same result.
   */
  readonly size?: ResizedSize | undefined;
  /**
   * Decodes in a child process, for untrusted callers. The child process is killed if it does not end by itself. A
   * platform without processes ignores this option.
   */
  readonly isolate?: boolean | undefined;
  /** The caller's identity. Callers take turns. */
  readonly caller?: string | undefined;
  /** The time limit for decoding, in milliseconds; by default 30,000. */
  readonly timeout?: number | undefined;
  /** The memory for decoding, under a memory limit. */
  readonly memory?: DecodingMemory | undefined;
  /** Receives warnings. By default they are printed. */
  readonly onWarning?: ((warning: Warning) => void) | undefined;
}

/** The memory that a memory limit leaves for decoding an image. */
export interface DecodingMemory {
  /** The most bytes for decoding an image in this process. */
  readonly here: number;
  /** The most bytes of a child process that decodes one image and then ends, including the process itself. */
  readonly apart: number;
  /** Returns the memory limit, in bytes, that is sufficient if the child process takes this many bytes. */
  readonly boundFor: (bytes: number) => number;
}
