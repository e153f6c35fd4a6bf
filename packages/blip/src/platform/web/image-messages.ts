// What a page and the worker that decodes its image say to each other.
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
      /** What is wrong with the image; undefined if it is something else. */
      readonly known: PlainError | undefined;
    };
