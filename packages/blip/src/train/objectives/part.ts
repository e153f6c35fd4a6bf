// One loss of an objective: its part of the graph, and the inputs of that part.
import type { Tensor, Value } from "@blip-ts/graph";
import type { BatchContext } from "../objective.ts";
import type { ImageBatch } from "./batches.ts";
import type { Network } from "./network.ts";

export type Tensors = Readonly<Record<string, Tensor>>;

/** The values that a part's inputs may depend on, besides the batch. */
export type PartContext = Pick<BatchContext, "step" | "seed">;

/** A loss. A recipe may add losses with their own heads, which the saved model leaves out. */
export interface LossPart<Batch extends ImageBatch = ImageBatch> {
  /** `ITC`, `LM`, ...: the graph's output for this loss is `loss NAME`. */
  readonly name: string;
  /** Builds the loss. @returns the loss []: a mean over the items that `count` counts */
  build(network: Network): Value;
  /** Returns the inputs that `build` added, except pixel_values and masks. */
  inputs(batch: Batch, context: PartContext): Tensors;
  /** Returns the number of items in the mean. Default: the number of samples of the batch. */
  count?(batch: Batch): number;
  /** The outputs that `after` reads. */
  readonly outputs?: readonly string[];
  after?(outputs: Tensors, batch: Batch): void;
  /** Returns the part's state across steps, which training states save. */
  state?(): Tensors;
  restore?(state: Tensors): void;
  /** Tied weights of the network, alias to canonical name. */
  readonly ties?: Readonly<Record<string, string>>;
  /** The paths of weights that are dropped after training. */
  readonly throwAway?: readonly string[];
}
