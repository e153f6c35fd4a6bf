// Videos as in BLIP's retrieval: frames in one encoding (data/video_dataset.py, eval_retrieval_video.py).
import { atLeast, must } from "@blip-ts/base";
import type { Tensor } from "@blip-ts/graph";

/** A video as a list of previously chosen frames, each an image. */
export interface Video<ImageInput> {
  /** The video's identifier in result rows. */
  readonly image: ImageInput;
  /** The frames, in order. */
  readonly frames: readonly ImageInput[];
}

/** An image, or a video with its frames. */
export type Retrievable<Input> = Input | Video<Input>;

export const isVideo = <Input>(input: Retrievable<Input>): input is Video<Input> =>
  typeof input === "object" && input !== null && "frames" in input && "image" in input;

export const nameOf = <Input>(input: Retrievable<Input>): Input => (isVideo(input) ? input.image : input);

/** An encoded image: states [1, N, D] and unit vector [1, E]. */
export interface Seen {
  readonly states: Tensor<"float32">;
  readonly features: Tensor<"float32">;
}

/**
 * Selects 8 of n frames as BLIP does: frame i * floor(n / 8), because the step is truncated (data/video_dataset.py).
 * With fewer than 8 frames, returns the first frame eight times.
 */
export function uniformFrames<T>(frames: readonly T[], count = 8): T[] {
  const step = Math.floor(frames.length / count);
  return Array.from({ length: frames.length > 0 ? count : 0 }, (_, index) => frames[index * step]).filter(
    (frame) => frame !== undefined,
  );
}

/** Combines frames: normalizes the mean of their projections to unit length, and concatenates their states. */
export function videoOf(
  parts: readonly { readonly states: Tensor<"float32">; readonly projections: Tensor<"float32"> }[],
): Seen {
  const [, N, D] = atLeast(must(parts, 0).states.dims, 3);
  const E = must(must(parts, 0).projections.dims, 1);
  const frames = parts.reduce((sum, { states }) => sum + must(states.dims, 0), 0);
  const states = new Float32Array(frames * N * D);
  const mean = new Float64Array(E);
  let frame = 0;
  for (const part of parts) {
    states.set(part.states.data, frame * N * D);
    part.projections.data.forEach(
      (value, index) => (mean[index % E] = must(mean, index % E) + value / frames),
    );
    frame += must(part.states.dims, 0);
  }
  const length = Math.max(Math.hypot(...mean), 1e-12);
  return {
    states: { dtype: "float32", dims: [1, frames * N, D], data: states },
    features: { dtype: "float32", dims: [1, E], data: Float32Array.from(mean, (value) => value / length) },
  };
}
