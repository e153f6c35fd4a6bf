// Turns weights into inputs of the same name. A training step passes them at every run, from memory that it updates in
// place.
import { GraphError } from "../errors.ts";
import type { Graph, Weight } from "../graph.ts";

/**
 * Turns weights into inputs.
 * @param isParameter selects the weights; the others stay weights and are not trained
 * @throws {GraphError} if a weight is read in ranges of its rows: lift before projections are split
 */
export const liftParameters =
  (isParameter: (weight: Weight) => boolean = () => true) =>
  (graph: Graph): Graph => {
    const lifted = graph.weights.filter(isParameter);
    for (const { name, rows } of lifted)
      if (rows)
        throw new GraphError(
          `lift ${name}: expected the whole weight, got rows ${rows.start} to ${rows.end}. Lift before projections are split`,
        );
    return {
      ...graph,
      inputs: [...graph.inputs, ...lifted.map(({ name, value }) => ({ name, value }))],
      weights: graph.weights.filter((weight) => !lifted.includes(weight)),
    };
  };
