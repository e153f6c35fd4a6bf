// The passes in the order in which they run before a graph is lowered for inference.
import { checkGraph } from "../check.ts";
import type { Graph } from "../graph.ts";
import { dropUnused } from "./drop-unused.ts";
import { flattenRows } from "./flatten-rows.ts";
import { splitProjections } from "./split-projections.ts";

export type Pass = (graph: Graph) => Graph;

/**
 * The graph as it is run: the same function with less work. Checked after every pass.
 * @param types passes that change element types (`float16`, `int8`); they see projections that are split
 */
export function optimize(graph: Graph, types: readonly Pass[] = []): Graph {
  const passes: readonly Pass[] = [splitProjections, ...types, flattenRows, dropUnused];
  return passes.reduce((current, pass) => checkGraph(pass(current)), checkGraph(graph));
}
