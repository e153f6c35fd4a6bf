// One loss of an objective: its part of the graph, and the inputs of that part.
import type { Tensor, Value } from "@blip-ts/graph";
import type { BatchContext } from "../objective.ts";
import type { ImageBatch } from "./batches.ts";
import type { Network } from "./network.ts";

export type Tensors = Readonly<Record<string, Tensor>>;

/** What a part's inputs may depend on besides the batch. */
export type PartContext = Pick<BatchContext, "step" | "seed">;

/** A loss. A recipe may add its own, with its own head that is not kept. */
export interface LossPart<Batch extends ImageBatch = ImageBatch> {
  /** `ITC`, `LM`, ...: the graph's output for this loss is `loss NAME`. */
  readonly name: string;
  /** Builds the loss. @returns the loss []: a mean over whatever the batch counts */
  build(network: Network): Value;
  /** The inputs that `build` added, except pixel_values and masks. */
  inputs(batch: Batch, context: PartContext): Tensors;
  /** The number of items in the mean. Default: the samples of the batch. */
  count?(batch: Batch): number;
  /** Outputs that `after` reads. */
  readonly outputs?: readonly string[];
  after?(outputs: Tensors, batch: Batch): void;
  /** The part's state across steps, to be saved. */
  state?(): Tensors;
  restore?(state: Tensors): void;
  /** Tied weights of the network, alias to canonical name. */
  readonly ties?: Readonly<Record<string, string>>;
  /** The paths of weights that are dropped after training. */
  readonly throwAway?: readonly string[];
}
