// One loss of an objective: what it writes into the graph, and the inputs that this needs.
import type { Tensor, Value } from "@blip-ts/graph";
import type { BatchContext } from "../objective.ts";
import type { ImageBatch } from "./batches.ts";
import type { Network } from "./network.ts";

export type Tensors = Readonly<Record<string, Tensor>>;

/** What a part's inputs may depend on beside the batch. */
export type PartContext = Pick<BatchContext, "step" | "seed">;

/** A loss. A recipe may add one of its own, with a head of its own that is not kept. */
export interface LossPart<Batch extends ImageBatch = ImageBatch> {
  /** `ITC`, `LM`, ...: the graph's output of this loss is `loss NAME`. */
  readonly name: string;
  /** Writes it. @returns the loss []: a mean over what the batch counts */
  build(network: Network): Value;
  /** The inputs that it made, but pixel_values and masks. */
  inputs(batch: Batch, context: PartContext): Tensors;
  /** What the mean is taken over, if not over the samples of the batch. */
  count?(batch: Batch): number;
  /** Outputs that `after` reads. */
  readonly outputs?: readonly string[];
  after?(outputs: Tensors, batch: Batch): void;
  /** What it remembers from step to step, to be saved. */
  state?(): Tensors;
  restore?(state: Tensors): void;
  /** Weights of the network that are one, alias to canonical name. */
  readonly ties?: Readonly<Record<string, string>>;
  /** The paths of weights that are thrown away after training. */
  readonly throwAway?: readonly string[];
}
