// The lines of the table: the compared lanes, and the goals, which were set before anything was measured.
import type { Unit } from "./results.ts";

/** A line's goal. A ratio states how many times better this package is than the peer. */
export type Goal =
  | { readonly kind: "ratio"; readonly atLeast: number }
  | { readonly kind: "value"; readonly atMost: number; readonly unit: Unit };

export interface Line {
  readonly measure: string;
  /** A lane of the results. */
  readonly ours: string;
  readonly peer?: string;
  /**
   * By default, the peer's seconds (or bytes) divided by ours. With `rates`, for lanes with known operations, our rate
   * divided by the peer's.
   */
  readonly compare?: "values" | "rates";
  readonly goal?: Goal;
  /** What the table leaves out if the peer was not requested: the whole line, or the peer alone. */
  readonly optional?: "line" | "peer";
}

const atLeast = (ratio: number): Goal => ({ kind: "ratio", atLeast: ratio });
const atMost = (value: number, unit: Unit): Goal => ({ kind: "value", atMost: value, unit });

const image = "image encode";
const oneImage = "1 image x 128 texts";
const oneText = "1 text x 128 stored images";
const greedy = "greedy caption, 20 tokens";
const beams = "caption with 3 beams, 20 tokens";

/** candle is measured only if it was built. */
const candle = (measure: string, name: string): Line => ({
  ...line(measure, name, "fp32", "candle", "fp32"),
  optional: "line",
});
const inChromium = (measure: string, name: string): Line => ({
  measure: `${measure} in Chromium, fp32`,
  ...{ ours: `blip-ts browser-${name} fp32`, peer: `candle browser-${name} fp32`, optional: "peer" },
});

/** Compares our measure in one type with a peer's in another. */
function line(measure: string, name: string, ours: string, peer: string, theirs: string, goal?: Goal): Line {
  return {
    ...{ measure: `${measure}, ${ours}`, ours: `blip-ts ${name} ${ours}`, peer: `${peer} ${name} ${theirs}` },
    ...(goal && { goal }),
  };
}

export const lines: readonly Line[] = [
  line(image, "image", "fp32", "transformers", "fp32", atLeast(1.2)),
  line(image, "image", "fp32", "openvino", "fp32", atLeast(1)),
  candle(image, "image"),
  {
    ...{ measure: `${image}, fp32, share of the engine's own product 577x768x3072`, compare: "rates" },
    ...{ ours: "blip-ts image fp32", peer: "blip-ts product fp32", goal: atLeast(0.95) },
  },
  line(image, "image", "int8", "transformers", "fp32", atLeast(2.4)),
  line(image, "image", "int8", "transformers", "bf16", atLeast(1.4)),
  line(image, "image", "int8", "openvino", "bf16", atLeast(1)),
  {
    measure: "largest shift of an ITM probability by int8",
    ...{ ours: "blip-ts accuracy int8", goal: atMost(0.02, "probability") },
  },
  line(image, "image", "fp16", "transformers", "fp32"),
  line(oneImage, "1x128", "fp32", "transformers", "fp32", atLeast(6)),
  line(oneImage, "1x128", "int8", "transformers", "fp32"),
  line(oneImage, "1x128", "int8", "transformers", "bf16"),
  line(oneText, "128x1", "fp32", "transformers", "fp32", atLeast(5)),
  line(oneText, "128x1", "int8", "transformers", "fp32", atLeast(8)),
  line(oneText, "128x1", "int8", "transformers", "bf16"),
  line(greedy, "greedy", "fp32", "transformers", "fp32", atLeast(2)),
  candle(greedy, "greedy"),
  line(greedy, "greedy", "int8", "transformers", "fp32", atLeast(5)),
  line(greedy, "greedy", "int8", "transformers", "bf16"),
  line(beams, "beam-3", "fp32", "transformers", "fp32"),
  line(beams, "beam-3", "int8", "transformers", "fp32"),
  line("start to first ITM score", "first-score", "fp32", "transformers", "fp32", atLeast(4)),
  line("start to first ITM score", "first-score", "int8", "transformers", "fp32"),
  line("resident memory, ITM base", "memory", "fp32", "transformers", "fp32", atMost(1.1e9, "bytes")),
  line("resident memory, ITM base", "memory", "int8", "transformers", "fp32", atMost(0.5e9, "bytes")),
  {
    ...{ measure: "installed size", ours: "blip-ts install-size", peer: "transformers install-size" },
    goal: atMost(0.4e9, "bytes"),
  },
  inChromium(image, "image"),
  inChromium(`${greedy},`, "greedy"),
];
