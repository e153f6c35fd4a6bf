// The interface between an objective and the loop that minimizes it.
import type { Graph, Tensor } from "@blip-ts/graph";

/** A forward graph for training. */
export interface TrainingGraph {
  /**
   * The forward graph. Its weights have the names of the checkpoint. The trainer turns them into inputs and
   * differentiates the graph. The sizes of the outputs follow from the sizes of the inputs.
   */
  readonly graph: Graph;
  /** The output to minimize, of shape []: a **mean** over the items that `Objective.weight` counts. */
  readonly loss: string;
  /** Tied weights, alias to canonical name: see `tieWeights`. */
  readonly ties?: Readonly<Record<string, string>>;
  /**
   * Maps weights to the weights that they follow as moving averages (the momentum encoders of ITC). Followers get no
   * gradient. A follower starts equal to the followed weight unless the checkpoint has the follower.
   */
  readonly momentum?: Readonly<Record<string, string>>;
}

/** The values that a batch's inputs may depend on, besides the batch itself. */
export interface BatchContext {
  /** The number of this step, from 0. A step is one update, not one batch. */
  readonly step: number;
  /** The number of this batch within its step, from 0. It is above 0 only when gradients are accumulated. */
  readonly part: number;
  /** The seed of this batch: a function of the trainer's seed, step and part, the same after a resume. */
  readonly seed: number;
  /**
   * Runs one of the objective's other graphs with the current weights.
   * @param name the key in `Objective.graphs`
   * @returns the outputs of the graph
   */
  run(name: string, feeds: Readonly<Record<string, Tensor>>): Promise<Readonly<Record<string, Tensor>>>;
}

/** A loss to minimize, and the mapping from a batch to the graph's inputs. */
export interface Objective<Batch> {
  /** `match`, `caption`, ...: appears in messages and in the state's file. */
  readonly name: string;
  readonly graph: TrainingGraph;
  /**
   * Graphs without gradients over the same weights, by name. `BatchContext.run` runs them to compute values that a
   * batch's inputs need, such as the similarities from which hard negatives are drawn.
   */
  readonly graphs?: Readonly<Record<string, Graph>>;
  /** Returns the graph's inputs except its weights, by name. */
  inputs(
    batch: Batch,
    context: BatchContext,
  ): Readonly<Record<string, Tensor>> | Promise<Readonly<Record<string, Tensor>>>;
  /**
   * The number of items in the mean of this batch's loss. Default: 1. Accumulated batches contribute to their step in
   * proportion to this number. If it is the number of target tokens, 4 batches of 2 give the same gradients as one
   * batch of 8.
   */
  weight?(batch: Batch): number;
  /** Outputs besides the loss that `after` and the trainer's result need, such as the parts of the loss. */
  readonly outputs?: readonly string[];
  /**
   * Called with the outputs once per batch, after the step's update has succeeded, for example to fill a queue. Not
   * called for a step whose loss or norm is not finite.
   */
  after?(outputs: Readonly<Record<string, Tensor>>, batch: Batch, context: BatchContext): void;
  /** Scalar weights and the bounds to which the trainer clamps them before each step: the temperature of ITC. */
  readonly bounds?: Readonly<Record<string, { readonly lowest: number; readonly highest: number }>>;
  /** Returns the objective's own state across steps (queues), which is saved with the training state. */
  state?(): Readonly<Record<string, Tensor>>;
  /** Restores a state that `state` returned. */
  restore?(state: Readonly<Record<string, Tensor>>): void;
}
