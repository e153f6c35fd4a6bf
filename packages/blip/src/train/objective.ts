// The interface between an objective and the loop that minimizes it.
import type { Graph, Tensor } from "@blip-ts/graph";

/** A forward graph for training. */
export interface TrainingGraph {
  /**
   * The forward graph. Its weights have the names of the checkpoint; the trainer lifts them to inputs and
   * differentiates. The sizes of its outputs follow from the sizes of its inputs.
   */
  readonly graph: Graph;
  /** The output to minimize, of shape []: a **mean** over whatever the batch counts. */
  readonly loss: string;
  /** Tied weights, alias to canonical name: see `tieWeights`. */
  readonly ties?: Readonly<Record<string, string>>;
  /**
   * Weights that follow another weight as its moving average (the momentum encoders of ITC), by name to the weight that
   * they follow. They get no gradient. They start equal to it unless the checkpoint has them.
   */
  readonly momentum?: Readonly<Record<string, string>>;
}

/** What a batch's inputs may depend on besides the batch itself. */
export interface BatchContext {
  /** The number of this step, from 0. It counts updates, not batches. */
  readonly step: number;
  /** The number of this batch within its step, from 0. It is above 0 only when gradients are accumulated. */
  readonly part: number;
  /** The seed of this batch: a function of the trainer's seed, step and part, the same after a resume. */
  readonly seed: number;
  /**
   * Runs one of the objective's other graphs with the current weights.
   * @param name the key in `Objective.graphs`
   * @returns its outputs
   */
  run(name: string, feeds: Readonly<Record<string, Tensor>>): Promise<Readonly<Record<string, Tensor>>>;
}

/** A loss to minimize, and the mapping from a batch to the graph's inputs. */
export interface Objective<Batch> {
  /** `match`, `caption`, ...: appears in messages and in the state's file. */
  readonly name: string;
  readonly graph: TrainingGraph;
  /**
   * Graphs without gradients over the same weights, by name. `BatchContext.run` runs them to compute what a batch's
   * inputs depend on, such as the similarities from which hard negatives are drawn.
   */
  readonly graphs?: Readonly<Record<string, Graph>>;
  /** The graph's inputs except its weights, by name. */
  inputs(
    batch: Batch,
    context: BatchContext,
  ): Readonly<Record<string, Tensor>> | Promise<Readonly<Record<string, Tensor>>>;
  /**
   * The number of items that the mean of this batch's loss is taken over. Default: 1. Accumulated batches contribute to
   * their step in proportion to it. With the number of target tokens, 4 batches of 2 give the gradients of one batch of
   * 8.
   */
  weight?(batch: Batch): number;
  /** Outputs besides the loss that `after` and the trainer's result need, such as the parts of the loss. */
  readonly outputs?: readonly string[];
  /**
   * Called with those outputs once per batch, after the step's update has succeeded: to fill a queue, for example. A
   * step with a loss or norm that is not finite changes nothing.
   */
  after?(outputs: Readonly<Record<string, Tensor>>, batch: Batch, context: BatchContext): void;
  /** Scalar weights that the trainer clamps to these bounds, in place, before each step: the temperature of ITC. */
  readonly bounds?: Readonly<Record<string, { readonly lowest: number; readonly highest: number }>>;
  /** The objective's own state across steps (queues), to be saved with the training state. */
  state?(): Readonly<Record<string, Tensor>>;
  /** Restores what `state` returned. */
  restore?(state: Readonly<Record<string, Tensor>>): void;
}
