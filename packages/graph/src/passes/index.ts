// The passes before a graph is lowered, in order: for inference, and for training.
import { checkGraph } from "../check.ts";
import type { Graph, Weight } from "../graph.ts";
import { commonSubexpressions } from "./common-subexpressions.ts";
import { dropUnused } from "./drop-unused.ts";
import { flattenRows } from "./flatten-rows.ts";
import { liftParameters } from "./lift-parameters.ts";
import { mergeReshapes } from "./merge-reshapes.ts";
import { splitProjections } from "./split-projections.ts";
import { tieWeights } from "./tie-weights.ts";

export type Pass = (graph: Graph) => Graph;

/**
 * Optimizes a graph for inference: the same function with less work. The graph is checked after every pass.
 * @param types passes that change element types (`float16`, `int8`); they run after projections are split
 */
export function optimize(graph: Graph, types: readonly Pass[] = []): Graph {
  const passes: readonly Pass[] = [splitProjections, ...types, flattenRows, dropUnused];
  return passes.reduce((current, pass) => checkGraph(pass(current)), checkGraph(graph));
}

/**
 * Prepares the forward graph for differentiation: ties weights, lifts parameters, and turns rows into matrices, so that
 * gradients are matrix products too.
 * @param ties names of weights that are the same weight as another: see `tieWeights`
 * @param isParameter selects the weights to train; the others stay in the model
 */
export function prepareForTraining(
  graph: Graph,
  ties: Readonly<Record<string, string>> = {},
  isParameter?: (weight: Weight) => boolean,
): Graph {
  const passes: readonly Pass[] = [tieWeights(ties), liftParameters(isParameter), flattenRows];
  return passes.reduce((current, pass) => checkGraph(pass(current)), checkGraph(graph));
}

/**
 * Optimizes a graph with gradients. Removing a reshape may leave two nodes equal, so equal nodes are merged once more.
 */
export function optimizeForTraining(graph: Graph): Graph {
  const passes: readonly Pass[] = [commonSubexpressions, mergeReshapes, commonSubexpressions, dropUnused];
  return passes.reduce((current, pass) => checkGraph(pass(current)), checkGraph(graph));
}
