// The passes in the order in which they run before a graph is lowered for inference.
import { checkGraph } from "../check.ts";
import type { Graph } from "../graph.ts";
import { dropUnused } from "./drop-unused.ts";
import { splitProjections } from "./split-projections.ts";

const inferencePasses: readonly ((graph: Graph) => Graph)[] = [splitProjections, dropUnused];

/** The graph as it is run: the same function with less work. Checked after every pass. */
export function optimize(graph: Graph): Graph {
  return inferencePasses.reduce((current, pass) => checkGraph(pass(current)), checkGraph(graph));
}
