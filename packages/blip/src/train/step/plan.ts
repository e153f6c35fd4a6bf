// Plans the training of an objective's graph: the graph with gradients, and the role of every parameter.
import type { Parameter, ParameterRole } from "@blip-ts/engine";
import {
  differentiate,
  layerOf,
  optimizeForTraining,
  prepareForTraining,
  type Graph,
  type ParameterGradient,
} from "@blip-ts/graph";
import { noLoss, nothingTrained } from "../errors.ts";
import type { Objective, TrainingGraph } from "../objective.ts";
import { groupOf, type NamedShape, type ParameterGroup } from "../optimizer/groups.ts";

export interface PlanOptions {
  readonly groups?: readonly ParameterGroup[] | undefined;
  /** Weights that are not trained. */
  readonly frozen?: ((weight: NamedShape) => boolean) | undefined;
  /** Recomputes layers in the backward pass: takes about a third longer, but needs less memory. */
  readonly recompute?: boolean | undefined;
}

export interface TrainingPlan {
  /** The graph of the forward and backward pass. Its inputs are the batch's inputs and the parameters. */
  readonly graph: Graph;
  readonly gradients: readonly ParameterGradient[];
  readonly parameters: readonly Parameter[];
  /** The names of the weights that remain in the graph. */
  readonly still: readonly string[];
}

/** The graph with the loss and the requested outputs only. */
function wantedOutputs({
  name,
  graph: { graph, loss },
  outputs = [],
}: Pick<Objective<never>, "name" | "graph" | "outputs">): Graph {
  const found = graph.outputs.find((output) => output.name === loss)?.value;
  if (found?.shape.length !== 0)
    throw noLoss(name, loss, found ? `${found.shape.length} dimensions` : "none");
  const wanted = graph.outputs.filter((output) => output.name === loss || outputs.includes(output.name));
  // ONNX Runtime's walk begins with the loss, so the loss comes first.
  return { ...graph, outputs: wanted.sort((a, b) => Number(b.name === loss) - Number(a.name === loss)) };
}

/** Maps a weight to its canonical name. */
const canonical =
  ({ ties = {} }: TrainingGraph) =>
  (name: string): string =>
    ties[name] ?? name;

/**
 * @throws {UsageError} `train/loss`, `train/frozen`
 * @throws {GraphError} if an operation on the path of the weights has no gradient
 */
export function planTraining(
  objective: Pick<Objective<never>, "name" | "graph" | "outputs">,
  { groups = [], frozen = () => false, recompute = false }: PlanOptions = {},
): TrainingPlan {
  const { ties = {}, momentum = {} } = objective.graph;
  const nameOf = canonical(objective.graph);
  const forward = wantedOutputs(objective);
  const dims = new Map(forward.weights.map(({ name, shape }) => [nameOf(name), shape]));
  const followers = new Map(Object.entries(momentum).map(([name, of]) => [nameOf(name), nameOf(of)]));
  // A tied weight is frozen by each of its names.
  const isFrozen = new Set(
    forward.weights
      .filter(({ name, shape }) => frozen({ name, dims: shape }))
      .map(({ name }) => nameOf(name)),
  );
  const trained = new Set(
    [...dims.keys()].filter(
      (name) => !followers.has(name) && !isFrozen.has(name) && !frozen({ name, dims: dims.get(name) ?? [] }),
    ),
  );
  const followed = new Set(followers.values());
  const isParameter = (name: string) => trained.has(name) || followers.has(name) || followed.has(name);
  const lifted = prepareForTraining(forward, ties, ({ name }) => isParameter(name));
  const differentiated = differentiate(lifted, {
    parameters: [...trained],
    of: [objective.graph.loss],
    ...(recompute && { recompute: { layerOf } }),
  });
  const gradients = differentiated.gradients.filter(
    ({ dense, rows }) => dense !== undefined || rows.length > 0,
  );
  if (gradients.length === 0) throw nothingTrained(objective.name);
  const withGradient = new Set(gradients.map(({ name }) => name));
  const role = (name: string): ParameterRole => {
    const of = followers.get(name);
    if (of !== undefined) return { kind: "follower", of };
    if (!withGradient.has(name)) return { kind: "still" };
    return { kind: "trained", group: groupOf({ name, dims: dims.get(name) ?? [] }, groups) };
  };
  const names = new Set([...[...dims.keys()].filter(isParameter), ...followers.keys()]);
  const parameters = [...names].map((name) => {
    const own = dims.get(name) ?? dims.get(followers.get(name) ?? "") ?? [];
    return { name, dims: own, role: role(name) };
  });
  const graph = optimizeForTraining(differentiated.graph);
  return { graph, gradients, parameters, still: graph.weights.map(({ name }) => name) };
}

/** Prepares another graph over the same weights, without gradients. */
export function planForward(graph: Graph, training: TrainingGraph, parameters: ReadonlySet<string>): Graph {
  return optimizeForTraining(prepareForTraining(graph, training.ties, ({ name }) => parameters.has(name)));
}
