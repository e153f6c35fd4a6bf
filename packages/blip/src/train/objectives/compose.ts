// Composes losses over one network into one objective: their weighted sum, inputs, outputs and state.
import { evaluateDim, floatTensor, plainName, sizeOf, type Graph, type Tensor } from "@blip-ts/graph";
import { must } from "@blip-ts/base";
import type { BlipConfig } from "../../model/config.ts";
import type { MaskInput } from "../../model/regularize.ts";
import type { Objective, TrainingGraph } from "../objective.ts";
import type { ImageBatch } from "./batches.ts";
import { badBatch, badSetting } from "./errors.ts";
import { Network, type NetworkOptions } from "./network.ts";
import type { LossPart, PartContext, Tensors } from "./part.ts";
import { keepMask, streamOf } from "./random.ts";
import { temperatureBounds } from "./temperature.ts";

/** A loss with its weight in the sum. */
export interface WeightedPart<Batch extends ImageBatch> {
  readonly part: LossPart<Batch>;
  /** At least 0. Default: 1. A part of weight 0 is left out of the graph. */
  readonly weight?: number;
}

/** An objective with the bounds of its weights and its auxiliary heads. */
export interface ComposedObjective<Batch> extends Objective<Batch> {
  /** Scalar weights and the bounds to which the trainer clamps them before each step: the temperature of ITC. */
  readonly bounds: Readonly<Record<string, { readonly lowest: number; readonly highest: number }>>;
  /** Whether a weight belongs to an auxiliary head, which is saved in training states but not in the model. */
  isThrownAway(weight: string): boolean;
}

export interface ComposeOptions<Batch extends ImageBatch> extends NetworkOptions {
  readonly name: string;
  readonly parts: readonly WeightedPart<Batch>[];
  /** Returns further ties, alias to canonical name, for the names of all weights. */
  readonly ties?: (names: readonly string[]) => Readonly<Record<string, string>>;
}

/** The weight that a momentum encoder's weight follows: `vision_model_m.embeddings...` follows `vision_model....`. */
const followed = (name: string): string | undefined => {
  const [, module, path] = /^(vision_model|text_encoder|vision_proj|text_proj)_m(\..*)$/.exec(name) ?? [];
  return module !== undefined && path !== undefined ? `${module}${path}` : undefined;
};

/**
 * Maps each weight of the momentum encoders to the weight that it follows. The reference also has the cross-attention
 * of the momentum text encoder. Nothing reads it, so it is left out here.
 */
export function momentumPairs(graph: Graph, ties: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    graph.weights.flatMap(({ name }) => {
      const online = followed(name);
      return online === undefined ? [] : [[name, ties[online] ?? online]];
    }),
  );
}

/** The sizes of named dimensions, taken from the fed tensors. */
function sizesOf(graph: Graph, feeds: Tensors): Map<string, number> {
  const sizes = new Map<string, number>();
  for (const { name, value } of graph.inputs)
    value.shape.forEach((dim, axis) => {
      const letter = plainName(dim);
      const size = feeds[name]?.dims[axis];
      if (letter !== undefined && size !== undefined) sizes.set(letter, size);
    });
  return sizes;
}

/** Draws the dropout masks from the step's seed. */
export function drawMasks(graph: Graph, masks: readonly MaskInput[], feeds: Tensors, seed: number): Tensors {
  const sizes = sizesOf(graph, feeds);
  return Object.fromEntries(
    masks.map(({ name, shape, rate }): [string, Tensor] => {
      const dims = shape.map((dim) => evaluateDim(dim, sizes));
      return [name, { dtype: "uint8", dims, data: keepMask(sizeOf(dims), rate, streamOf(seed, name)) }];
    }),
  );
}

function pixelTensor({ pixels }: ImageBatch, graph: Graph): Tensor {
  const value = graph.inputs.find(({ name }) => name === "pixel_values")?.value;
  const dims = (value?.shape ?? []).map(Number);
  if (pixels.length !== sizeOf(dims))
    throw badBatch("pixels", pixels.length, `${sizeOf(dims)} numbers [${dims.join(", ")}]`);
  return floatTensor(dims, pixels);
}

function losses<Batch extends ImageBatch>(
  network: Network,
  parts: readonly WeightedPart<Batch>[],
): readonly string[] {
  const { b } = network;
  const names = parts.map(({ part }) => `loss ${part.name}`);
  const weighted = parts.map(({ part, weight = 1 }, index) => {
    const loss = part.build(network);
    b.output(must(names, index), loss);
    return weight === 1 ? loss : b.multiply(loss, b.scalar(weight));
  });
  if (weighted.length === 0) throw badSetting("losses", 0, "at least one");
  b.output(
    "loss",
    weighted.reduce((sum, term) => b.add(sum, term)),
  );
  return names;
}

/**
 * Builds an objective from losses that read the same kind of batch. A recipe may add its own losses.
 * @throws {UsageError} `objective/bad-setting`, `objective/no-negatives`
 */
export function compose<Batch extends ImageBatch>(
  config: BlipConfig,
  options: ComposeOptions<Batch>,
): ComposedObjective<Batch> {
  const { name, batch } = options;
  for (const { part, weight = 1 } of options.parts)
    if (!(weight >= 0)) throw badSetting(`weight of ${part.name}`, weight, "a number from 0");
  const weighted = options.parts.filter(({ weight = 1 }) => weight > 0);
  if (!Number.isInteger(batch) || batch < 1) throw badSetting("batch size", batch, "a whole number from 1");
  const network = new Network(name, config, options);
  const names = losses(network, weighted);
  const built = network.build();
  const parts = weighted.map(({ part }) => part);
  const weights = built.weights.map((weight) => weight.name);
  const ties: Record<string, string> = { ...options.ties?.(weights) };
  for (const part of parts) Object.assign(ties, part.ties);
  const momentum = momentumPairs(built, ties);
  const graph: TrainingGraph = { graph: built, loss: "loss", ties, momentum };
  const [only, ...others] = parts;
  const thrown = parts.flatMap(({ throwAway = [] }) => throwAway);
  return {
    name,
    graph,
    inputs: (input, { step, seed }) => inputsOf(input, built, parts, { step, seed }, network.masks.inputs),
    weight: (input) =>
      (others.length === 0 ? only?.count?.(input) : undefined) ?? input.counted ?? input.size,
    outputs: [...names, ...parts.flatMap(({ outputs = [] }) => outputs)],
    after(outputs, input) {
      for (const part of parts) part.after?.(outputs, input);
    },
    state: () => Object.assign({}, ...parts.map((part) => part.state?.() ?? {})) as Tensors,
    restore(state) {
      for (const part of parts) part.restore?.(state);
    },
    bounds: weights.includes("temp") ? { temp: temperatureBounds } : {},
    isThrownAway: (weight) => thrown.some((path) => weight === path || weight.startsWith(`${path}.`)),
  };
}

function inputsOf<Batch extends ImageBatch>(
  batch: Batch,
  graph: Graph,
  parts: readonly LossPart<Batch>[],
  context: PartContext,
  masks: readonly MaskInput[],
): Tensors {
  const feeds: Record<string, Tensor> = { pixel_values: pixelTensor(batch, graph) };
  for (const part of parts) Object.assign(feeds, part.inputs(batch, context));
  return { ...feeds, ...drawMasks(graph, masks, feeds, context.seed) };
}
