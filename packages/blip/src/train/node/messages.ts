// What a loader and its threads say to each other.
import type { PlainError } from "@blip-ts/base";
import type { DecodeOptions } from "../../image/decode-options.ts";
import type { ImagePlan, SampleRequest } from "../data/load-sample.ts";

/** How images of training become RGB. */
export type TrainingDecode = Pick<DecodeOptions, "alpha" | "orientation" | "grey16" | "maxPixels">;

/** What a thread is started with. */
export interface SampleThreadData {
  readonly plan: ImagePlan;
  readonly decode: TrainingDecode;
}

export type ThreadRequest =
  | { readonly kind: "load"; readonly id: number; readonly request: SampleRequest }
  /** Nobody waits for it any more. */
  | { readonly kind: "cancel"; readonly id: number };

export type ThreadReply =
  | { readonly id: number; readonly values: Float32Array<ArrayBuffer> }
  /** A bad image. */
  | { readonly id: number; readonly bad: PlainError }
  /** A fault of this package's, or a cancelled request. */
  | { readonly id: number; readonly fault: string };
