// Reverse-mode differentiation. The result is one graph of ordinary operations that also computes the gradients of its
// outputs with respect to its parameters.
import { must } from "@blip-ts/base";
import type { GraphBuilder } from "../builder.ts";
import { checkGraph } from "../check.ts";
import { GraphError } from "../errors.ts";
import type { Graph, NodeOf, OpKind, Value } from "../graph.ts";
import { floatTensor } from "../types/dtype.ts";
import { accumulated, receive, type Received } from "./accumulate.ts";
import { prepare, ruleOf, type Step } from "./prepare.ts";
import { computeAgain, segmentsOf, type Again, type Recompute, type Segment } from "./recompute.ts";
import type { Gradient } from "./rule.ts";

export interface GradientOptions {
  /** The inputs to differentiate with respect to: the parameters, after `liftParameters`. */
  readonly parameters: readonly string[];
  /**
   * The outputs to differentiate, summed. An output of shape [] has weight 1; any other output gets an input `seed
   * NAME` of its shape.
   */
  readonly of: readonly string[];
  readonly recompute?: Recompute;
}

/** The outputs that hold a parameter's gradient. Both parts are empty if no output depends on it. */
export interface ParameterGradient {
  readonly name: string;
  /** The name of the output that holds the gradient, in the parameter's shape. */
  readonly dense?: string;
  /**
   * Pairs of outputs, ids [...] and rows [..., D]. The rows are added to the gradient at the ids, after the dense part
   * and in order.
   */
  readonly rows: readonly { readonly ids: string; readonly rows: string }[];
}

export interface Differentiated {
  /** The original outputs, then the gradients. */
  readonly graph: Graph;
  readonly gradients: readonly ParameterGradient[];
}

const unchanged: Again = (value) => value;

/** Reverse mode over one prepared graph. */
class Reverse {
  readonly #b: GraphBuilder;
  readonly #wanted: Set<number>;
  readonly #lasting: ReadonlySet<number>;
  readonly #received = new Map<number, Received>();

  constructor(b: GraphBuilder, steps: readonly Step[], parameters: readonly Value[]) {
    this.#b = b;
    this.#wanted = new Set(parameters.map(({ id }) => id));
    const { inputs, weights, constants } = b.build();
    this.#lasting = new Set([...inputs, ...weights, ...constants].map(({ value }) => value.id));
    for (const { nodes } of steps)
      for (const node of nodes)
        if (node.inputs.some(this.#isWanted) && ruleOf<OpKind>(node) !== "stop")
          this.#wanted.add(node.output.id);
  }

  #isWanted = ({ id }: Value): boolean => this.#wanted.has(id);

  receivedFor(value: Value): Received {
    const known = this.#received.get(value.id) ?? { dense: [], ranges: [], rows: [] };
    this.#received.set(value.id, known);
    return known;
  }

  run(segments: readonly Segment[], recompute: Recompute | undefined): void {
    for (const segment of [...segments].reverse()) {
      let again: Again | undefined;
      for (const step of [...segment.steps].reverse()) {
        const { node } = step;
        if (!this.#isWanted(node.output)) continue;
        const b = this.#b.at(node.scope === "" ? "gradient" : `gradient.${node.scope}`);
        const gradient = accumulated(b, node.output, this.receivedFor(node.output));
        if (!gradient) continue;
        again ??= this.#againOf(segment, gradient, recompute);
        this.#back(b, step, gradient, again);
      }
    }
  }

  #againOf(segment: Segment, gradient: Value, recompute: Recompute | undefined): Again {
    if (!recompute || segment.layer === undefined) return unchanged;
    const isLasting = ({ id }: Value) => this.#lasting.has(id);
    return computeAgain(this.#b, segment, gradient, recompute, this.#isWanted, isLasting);
  }

  /** Gives each input its gradient from the rule, under the value that it had in the first computation. */
  #back(b: GraphBuilder, { node, saved }: Step, gradient: Value, again: Again): void {
    const second = { ...node, inputs: node.inputs.map(again), output: again(node.output) };
    const found = gradientsOf<OpKind>(b, second, gradient, saved.map(again));
    node.inputs.forEach((value, index) => {
      const one = found[index];
      if (one) receive(this.receivedFor(value), one);
    });
  }
}

function gradientsOf<K extends OpKind>(
  b: GraphBuilder,
  node: NodeOf<K>,
  gradient: Value,
  saved: readonly Value[],
): readonly Gradient[] {
  const rule = ruleOf(node);
  if (rule === "stop") return [];
  if ("refuse" in rule) throw new GraphError(`${node.kind} at ${node.scope}: ${rule.refuse}`);
  if ("parts" in rule)
    throw new GraphError(`${node.kind} at ${node.scope}: expected it in parts, got it whole`);
  return rule.backward(b, node, gradient, saved);
}

const named = (list: Graph["inputs"], name: string, what: string): Value => {
  const found = list.find((one) => one.name === name);
  if (!found)
    throw new GraphError(
      `differentiate: expected an ${what} ${name}, got ${list.map((one) => one.name).join(", ")}`,
    );
  return found.value;
};

function seed(b: GraphBuilder, name: string, output: Value): Value {
  return output.shape.length === 0
    ? b.constant(floatTensor([], [1]))
    : b.input(`seed ${name}`, output.dtype, output.shape);
}

/** Adds the outputs that hold a parameter's gradient. */
function give(b: GraphBuilder, name: string, parameter: Value, received: Received): ParameterGradient {
  const whole = accumulated(b, parameter, { ...received, rows: [] });
  const dense = `grad ${name}`;
  if (whole) b.output(dense, whole);
  const rows = received.rows.map((one, index) => {
    const names = { ids: `grad ${name} ids ${index}`, rows: `grad ${name} rows ${index}` };
    b.output(names.ids, one.ids);
    b.output(names.rows, one.rows);
    return names;
  });
  return { name, ...(whole && { dense }), rows };
}

/**
 * Adds gradients to a graph.
 * @param graph the forward graph, with its parameters as inputs
 * @returns the graph with gradients, and the outputs that hold them
 * @throws {GraphError} if a name is unknown, or if a gradient must pass an operation that has none
 */
export function differentiate(graph: Graph, { parameters, of, recompute }: GradientOptions): Differentiated {
  const { builder: b, steps } = prepare(graph);
  const { inputs, outputs } = b.build();
  const values = parameters.map((name) => named(inputs, name, "input"));
  const reverse = new Reverse(b, steps, values);
  for (const name of of) {
    const output = named(outputs, name, "output");
    receive(reverse.receivedFor(output), seed(b, name, output));
  }
  reverse.run(segmentsOf(steps, recompute), recompute);
  const gradients = values.map((value, index) =>
    give(b.at("gradient"), must(parameters, index), value, reverse.receivedFor(value)),
  );
  return { graph: checkGraph({ ...b.build(), name: `${graph.name} with gradients` }), gradients };
}
