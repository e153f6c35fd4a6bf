// How an image file becomes RGB pixels, where the references differ.
import type { Warning } from "@blip-ts/base";

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
  readonly signal?: AbortSignal | undefined;
  readonly onWarning?: ((warning: Warning) => void) | undefined;
}
