// Messages between a page and its image worker.
import type { PlainError, Warning } from "@blip-ts/base";
import type { DecodeOptions } from "../../image/decode-options.ts";
import type { RgbImage } from "../../image/raw-image.ts";
import type { Encoded } from "./decode-file.ts";

export interface ImageRequest {
  readonly encoded: Encoded;
  readonly options: Pick<DecodeOptions, "alpha" | "orientation" | "grey16" | "maxPixels" | "size">;
}

export type ImageReply =
  | { readonly kind: "warning"; readonly warning: Warning }
  | { readonly kind: "done"; readonly image: RgbImage }
  | {
      readonly kind: "failed";
      readonly message: string;
      /** The image's fault as plain data; undefined for any other error. */
      readonly known: PlainError | undefined;
    };
