// The passes in the order in which they run before a graph is lowered: for inference, and for training.
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
 * The graph as it is run: the same function with less work. Checked after every pass.
 * @param types passes that change element types (`float16`, `int8`); they see projections that are split
 */
export function optimize(graph: Graph, types: readonly Pass[] = []): Graph {
  const passes: readonly Pass[] = [splitProjections, ...types, flattenRows, dropUnused];
  return passes.reduce((current, pass) => checkGraph(pass(current)), checkGraph(graph));
}

/**
 * The forward graph before it is differentiated: ties made, parameters lifted, rows as matrices, so that gradients are
 * products of matrices too.
 * @param ties weights that are another, by name: see `tieWeights`
 * @param isParameter the weights that are trained; the others stay in the model
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
 * The graph with gradients as it is run. A reshape that is gone may leave two nodes equal, so these are merged once more.
 */
export function optimizeForTraining(graph: Graph): Graph {
  const passes: readonly Pass[] = [commonSubexpressions, mergeReshapes, commonSubexpressions, dropUnused];
  return passes.reduce((current, pass) => checkGraph(pass(current)), checkGraph(graph));
}
