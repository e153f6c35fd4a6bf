// The messages between a loader and its threads.
import type { PlainError } from "@blip-ts/base";
import type { DecodeOptions } from "../../image/decode-options.ts";
import type { ImagePlan, SampleRequest } from "../data/load-sample.ts";

/** How training images are converted to RGB. */
export type TrainingDecode = Pick<DecodeOptions, "alpha" | "orientation" | "grey16" | "maxPixels">;

/** The data that a thread starts with. */
export interface SampleThreadData {
  readonly plan: ImagePlan;
  readonly decode: TrainingDecode;
}

export type ThreadRequest =
  | { readonly kind: "load"; readonly id: number; readonly request: SampleRequest }
  /** Cancels a request that the caller no longer waits for. */
  | { readonly kind: "cancel"; readonly id: number };

export type ThreadReply =
  | { readonly id: number; readonly values: Float32Array<ArrayBuffer> }
  /** An image that cannot be used. */
  | { readonly id: number; readonly bad: PlainError }
  /** A defect of this package, or a cancelled request. */
  | { readonly id: number; readonly fault: string };
