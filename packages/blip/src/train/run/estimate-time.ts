// How long steps will take, before there is one. A batch's gradients are timed on this machine; where that cannot be, they are
// counted: the products of the forward graph and those that the way back makes of them, at the rate of the engine's own product,
// and what a step costs per operation besides. Images, updates and the states that are written come on top.
import { closing } from "@blip-ts/base";
import { MatrixProduct, type Parameter } from "@blip-ts/engine";
import { evaluateDim, type Graph, type Node, type Tensor, type Value } from "@blip-ts/graph";
import type { Platform } from "../../platform.ts";
import { bindingOf } from "../step/estimate.ts";

// The numbers are those of the training steps in docs/benchmarks.md, of which products are 69 % at `small` and 80 % at base.
/** Of the rate of products alone. */
const efficiency = 0.95;
/** What a number that an operation makes costs, in operations of a product: norms, GELU, softmax, what is moved. */
const perNumber = 100;
/** What an operation costs besides, in operations of a product. */
const perNode = 5e5;
/** Seconds of an update: its way to the thread and back, and a row of metrics.jsonl. */
const perStep = 2e-3;
/** Seconds per number of what reads and writes all numbers: clipping and AdamW, a moving average. */
const [perUpdated, perFollower] = [2e-9, 1e-9];
/** Bytes that are written per second: an ordinary disk, and checks on the way. */
const diskRate = 4e8;
/** Seconds of a state besides, and of each of its arrays: its way from the thread. */
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

/** Operations whose output is their input's memory. */
const movesNothing = (kind: Node["kind"]): boolean => ["reshape", "barrier", "detach"].includes(kind);

/** Numbers that a node makes: attention its scores and their softmax, too. */
function numbersMade(node: Node, size: Size): number {
  if (movesNothing(node.kind)) return 0;
  const { shape } = node.output;
  const own = size(shape);
  if (node.kind !== "attention") return own;
  return own + 3 * size([...shape.slice(0, -1), node.attributes.heads, node.inputs[1]?.shape.at(-2)]);
}

export interface WorkOptions {
  /** Has a weight a gradient? */
  readonly isTrained: (weight: string) => boolean;
  /** Are layers computed a second time on the way back? */
  readonly recompute: boolean;
}

/** Products that are timed. */
const timed = 4;

/** A batch's work as so many operations of the engine's own product. */
export const operationsAsProduct = ({ products, numbers, nodes }: ReturnType<typeof workOf>): number =>
  (products + perNumber * numbers) / efficiency + perNode * nodes;

/**
 * Floating-point operations of a step's products, the numbers that all operations make, and the operations. A product is made
 * forward, and on the way back once for each of its two inputs that has a gradient.
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

/** @returns seconds of an update, without the gradients */
export const secondsPerUpdate = (parameters: readonly Parameter[]): number =>
  perStep + perUpdated * numbersOf(parameters, "trained") + perFollower * numbersOf(parameters, "follower");

/** @returns seconds in which a state is written: 12 bytes per number that is trained, 4 per other */
export const secondsPerState = (parameters: readonly Parameter[]): number =>
  perState +
  perArray * parameters.reduce((sum, { role }) => sum + (role.kind === "trained" ? 3 : 1), 0) +
  (12 * numbersOf(parameters, "trained") +
    4 * (numbersOf(parameters, "follower") + numbersOf(parameters, "still"))) /
    diskRate;

/**
 * @param step seconds of a batch's gradients @param load seconds in which a batch's images are read, without a step beside it
 * @returns seconds of a batch. Images are read while a step is computed: on idle cores it takes as long as the slower of the
 * two, on busy ones as both together. It is between them, at most 1.5 times the one and at least 0.75 times the other.
 */
export const secondsPerBatch = (step: number, load: number): number =>
  Math.max(step, load) + Math.min(step, load) / 2;

/** @returns operations per second of the engine's own product */
export async function productRate(platform: Platform<never>, threads: number | undefined): Promise<number> {
  const product = await MatrixProduct.load(platform, { count: 1, threads });
  return closing(product, async () => {
    await product.run();
    const begun = Date.now();
    for (let times = 0; times < timed; times++) await product.run();
    return ((timed * product.operations) / Math.max(1, Date.now() - begun)) * 1000;
  });
}
