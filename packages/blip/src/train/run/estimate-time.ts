// How long steps will take, before there is one: the products of the forward graph, three times (the way back computes two
// for each), at the rate of the engine's own product on this machine.
import { closing } from "@blip-ts/base";
import { MatrixProduct } from "@blip-ts/engine";
import { evaluateDim, type Graph, type Node, type Tensor } from "@blip-ts/graph";
import type { Platform } from "../../platform.ts";
import { bindingOf } from "../step/estimate.ts";

/** Of a product that a network computes among other things: the rate of products alone is not reached. */
const efficiency = 0.6;
/** Seconds of an operation besides its products: 5 microseconds. */
const perNode = 5e-6;

function operationsOf({ kind, inputs, output }: Node, size: (dims: readonly unknown[]) => number): number {
  const [first, second] = inputs;
  const inner = first?.shape.at(-1);
  if (kind === "linear" || kind === "matmul") return 2 * size([...output.shape, inner]);
  if (kind === "patchConvolution") return 2 * size([...output.shape, ...(second?.shape.slice(1) ?? [])]);
  if (kind === "attention") return 4 * size([...output.shape, second?.shape.at(-2)]);
  return 0;
}

/** Products that are timed. */
const timed = 4;

/** Floating-point operations of a graph's products. */
export function productsOf(graph: Graph, feeds: Readonly<Record<string, Pick<Tensor, "dims">>>): number {
  const binding = bindingOf(graph, feeds);
  const size = (dims: readonly unknown[]) =>
    dims.reduce<number>(
      (product, dim) => product * (dim === undefined ? 1 : evaluateDim(dim as number, binding)),
      1,
    );
  return graph.nodes.reduce((sum, node) => sum + operationsOf(node, size), 0);
}

/**
 * @param passes a graph, and how many times its products are computed: a forward graph's three times in training
 * @returns seconds of one step
 */
export async function secondsPerStep(
  platform: Platform<never>,
  { graph, times }: { readonly graph: Graph; readonly times: number },
  feeds: Readonly<Record<string, Pick<Tensor, "dims">>>,
  threads: number | undefined,
): Promise<number> {
  const product = await MatrixProduct.load(platform, { count: 1, threads });
  const rate = await closing(product, async () => {
    await product.run();
    const begun = Date.now();
    for (let times = 0; times < timed; times++) await product.run();
    return ((timed * product.operations) / Math.max(1, Date.now() - begun)) * 1000;
  });
  return times * (productsOf(graph, feeds) / (rate * efficiency) + graph.nodes.length * perNode);
}
