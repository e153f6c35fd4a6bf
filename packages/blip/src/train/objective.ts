// The seam between what is minimized and the loop that minimizes it.
import type { Graph, Tensor } from "@blip-ts/graph";

/** A forward graph as it is trained. */
export interface TrainingGraph {
  /**
   * The forward graph. Its weights have the names of the checkpoint; whoever trains lifts them and differentiates.
   * All sizes of its outputs follow from the sizes of its inputs.
   */
  readonly graph: Graph;
  /** The output that is minimized, of shape []: a **mean** over what the batch counts. */
  readonly loss: string;
  /** Weights that are another one, alias to canonical name: see `tieWeights`. */
  readonly ties?: Readonly<Record<string, string>>;
  /**
   * Weights that follow another one as its moving average (the momentum encoders of ITC), by name to the weight that
   * they follow. They get no gradient. They start as equal to it unless the checkpoint has them.
   */
  readonly momentum?: Readonly<Record<string, string>>;
}

/** What the inputs of a batch may depend on beside the batch itself. */
export interface BatchContext {
  /** The number of this step, from 0; it counts updates, not batches. */
  readonly step: number;
  /** The number of this batch within its step, from 0: not 0 only while gradients are accumulated. */
  readonly part: number;
  /** For everything random in this batch: a function of the trainer's seed, step and part, the same after a resume. */
  readonly seed: number;
  /**
   * Runs one of the objective's other graphs with the weights as they are now.
   * @param name the key of `Objective.graphs`
   * @returns its outputs
   */
  run(name: string, feeds: Readonly<Record<string, Tensor>>): Promise<Readonly<Record<string, Tensor>>>;
}

/** What is minimized, and how a batch becomes the graph's inputs. */
export interface Objective<Batch> {
  /** `match`, `caption`, ...: for messages and for the state's file. */
  readonly name: string;
  readonly graph: TrainingGraph;
  /**
   * Graphs without gradients over the same weights, by name: what must be computed before a batch's inputs are known,
   * such as the similarities from which hard negatives are drawn. `BatchContext.run` runs them.
   */
  readonly graphs?: Readonly<Record<string, Graph>>;
  /** The graph's inputs but its weights, by name. */
  inputs(
    batch: Batch,
    context: BatchContext,
  ): Readonly<Record<string, Tensor>> | Promise<Readonly<Record<string, Tensor>>>;
  /**
   * What the mean of this batch's loss is taken over: 1 if not given. Batches that are accumulated to one step count in
   * proportion to it. With the number of target tokens, 4 batches of 2 give the gradients of one batch of 8.
   */
  weight?(batch: Batch): number;
  /** Outputs of the graph beside the loss that `after` and the trainer's result want, such as the parts of the loss. */
  readonly outputs?: readonly string[];
  /**
   * Called with those outputs once per batch, after the step's update has succeeded: what goes into a queue, e.g. A step
   * that gave no finite numbers changes nothing.
   */
  after?(outputs: Readonly<Record<string, Tensor>>, batch: Batch, context: BatchContext): void;
  /** Weights of one number that the trainer moves into these bounds, in place, before each step: the temperature of contrast. */
  readonly bounds?: Readonly<Record<string, { readonly lowest: number; readonly highest: number }>>;
  /** What the objective itself remembers from step to step (queues), for the state that is saved. */
  state?(): Readonly<Record<string, Tensor>>;
  /** Takes what `state` gave. */
  restore?(state: Readonly<Record<string, Tensor>>): void;
}
