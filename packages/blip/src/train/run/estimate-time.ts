// Estimates the time of steps before the first step. A batch's gradients are timed on this machine. If that is not
// possible, the estimate counts the matrix products of the forward and backward pass, at the measured rate of the
// engine's matrix product, plus a cost per operation. The time of images, updates and saved states is added.
import { closing } from "@blip-ts/base";
import { MatrixProduct, type Parameter } from "@blip-ts/engine";
import { evaluateDim, type Graph, type Node, type Tensor, type Value } from "@blip-ts/graph";
import type { Platform } from "../../platform.ts";
import { bindingOf } from "../step/estimate.ts";

// The constants come from the training steps in docs/benchmarks.md: products take 69 % at `small` and 80 % at base.
/** The share of the product rate that a step reaches. */
const efficiency = 0.95;
/** The cost per output number (norms, GELU, softmax, copies), in operations of a product. */
const perNumber = 100;
/** The additional cost per operation, in operations of a product. */
const perNode = 5e5;
/** Seconds per update: the round trip to the thread, and a row of metrics.jsonl. */
const perStep = 2e-3;
/** Seconds per trained number (clipping and AdamW), and per number of a moving average. */
const [perUpdated, perFollower] = [2e-9, 1e-9];
/** Bytes written per second, on an ordinary disk, with checksums. */
const diskRate = 4e8;
/** Additional seconds per state, and per array of a state (the transfer from the thread). */
const [perState, perArray] = [0.015, 2.5e-4];

type Feeds = Readonly<Record<string, Pick<Tensor, "dims">>>;

type Size = (dims: readonly unknown[]) => number;

function operationsOf({ kind, inputs, output }: Node, size: Size): number {
  const [first, second] = inputs;
  const inner = first?.shape.at(-1);
  if (kind === "linear" || kind === "matmul") return 2 * size([...output.shape, inner]);
  if (kind === "patchConvolution") return 2 * size([...output.shape, ...(second?.shape.slice(1) ?? [])]);
  if (kind === "attention") return 4 * size([...output.shape, second?.shape.at(-2)]);
  return 0;
}

/** Operations whose output shares the memory of their input. */
const movesNothing = (kind: Node["kind"]): boolean => ["reshape", "barrier", "detach"].includes(kind);

/** The count of numbers that a node produces. Attention also produces its scores and their softmax. */
function numbersMade(node: Node, size: Size): number {
  if (movesNothing(node.kind)) return 0;
  const { shape } = node.output;
  const own = size(shape);
  if (node.kind !== "attention") return own;
  return own + 3 * size([...shape.slice(0, -1), node.attributes.heads, node.inputs[1]?.shape.at(-2)]);
}

export interface WorkOptions {
  /** Whether a weight has a gradient. */
  readonly isTrained: (weight: string) => boolean;
  /** Whether layers are recomputed in the backward pass. */
  readonly recompute: boolean;
}

/** The number of timed products. */
const timed = 4;

/** The work of a batch, in operations of the engine's matrix product. */
export const operationsAsProduct = ({ products, numbers, nodes }: ReturnType<typeof workOf>): number =>
  (products + perNumber * numbers) / efficiency + perNode * nodes;

/**
 * Counts the floating-point operations of a step's products, the numbers that all operations produce, and the
 * operations. A product runs once forward, and once backward per input that has a gradient.
 */
export function workOf(graph: Graph, feeds: Feeds, { isTrained, recompute }: WorkOptions) {
  const binding = bindingOf(graph, feeds);
  const size = (dims: readonly unknown[]) =>
    dims.reduce<number>(
      (product, dim) => product * (dim === undefined ? 1 : evaluateDim(dim as number, binding)),
      1,
    );
  const learned = new Set(graph.weights.flatMap(({ name, value }) => (isTrained(name) ? [value.id] : [])));
  const learns = (value: Value | undefined) => value !== undefined && learned.has(value.id);
  let [products, numbers, nodes] = [0, 0, 0];
  for (const node of graph.nodes) {
    const { kind, inputs, output } = node;
    const back = kind === "detach" ? 0 : Math.min(2, inputs.slice(0, 2).filter(learns).length);
    if (kind !== "detach" && inputs.some(learns)) learned.add(output.id);
    const again = recompute && learned.has(output.id) ? 1 : 0;
    products += (1 + back + again) * operationsOf(node, size);
    const times = 1 + again + (learned.has(output.id) ? 2 : 0);
    numbers += times * numbersMade(node, size);
    nodes += times;
  }
  return { products, numbers, nodes };
}

const numbersOf = (parameters: readonly Parameter[], kind: Parameter["role"]["kind"]): number =>
  parameters
    .filter(({ role }) => role.kind === kind)
    .reduce((sum, { dims }) => sum + dims.reduce((product, one) => product * one, 1), 0);

/** @returns seconds per update, without the gradients */
export const secondsPerUpdate = (parameters: readonly Parameter[]): number =>
  perStep + perUpdated * numbersOf(parameters, "trained") + perFollower * numbersOf(parameters, "follower");

/** @returns seconds per saved state: 12 bytes per trained number, 4 per other number */
export const secondsPerState = (parameters: readonly Parameter[]): number =>
  perState +
  perArray * parameters.reduce((sum, { role }) => sum + (role.kind === "trained" ? 3 : 1), 0) +
  (12 * numbersOf(parameters, "trained") +
    4 * (numbersOf(parameters, "follower") + numbersOf(parameters, "still"))) /
    diskRate;

/**
 * Estimates the time of a batch, because images are read during a step. On idle cores a batch takes as long as the
 * slower of the two; on busy cores, as long as both together. The result is in between: at most 1.5 times the first and
 * at least 0.75 times the second.
 * @param step seconds of a batch's gradients
 * @param load seconds to read a batch's images, without a step at the same time
 * @returns seconds per batch
 */
export const secondsPerBatch = (step: number, load: number): number =>
  Math.max(step, load) + Math.min(step, load) / 2;

/** @returns operations per second of the engine's matrix product */
export async function productRate(platform: Platform<never>, threads: number | undefined): Promise<number> {
  const product = await MatrixProduct.load(platform, { count: 1, threads });
  return closing(product, async () => {
    await product.run();
    const begun = Date.now();
    for (let times = 0; times < timed; times++) await product.run();
    return ((timed * product.operations) / Math.max(1, Date.now() - begun)) * 1000;
  });
}
