// Selects the weights to train, and groups of weights with their own settings.
import { layerPathOf } from "../../weights/layer-paths.ts";

/** The name and the shape of a weight, for predicates. */
export interface NamedShape {
  /** The weight's Hugging Face name in the model. */
  readonly name: string;
  readonly dims: readonly number[];
}

export interface ParameterGroup {
  /** Selects the group's weights. A weight belongs to the first group that matches. */
  readonly matches: (weight: NamedShape) => boolean;
  /** The group's weight decay, instead of the optimizer's. */
  readonly decay?: number | undefined;
  /** The factor of the learning rate. */
  readonly lrScale?: number | undefined;
}

/** Predicates that select frozen weights, by part. They read names of the model, not of the checkpoint file. */
export const frozenParts = {
  /** Freezes the image encoder; the text model still learns from its states. */
  imageEncoder: ({ name }: NamedShape): boolean => name.startsWith("vision_model."),
  /** Freezes everything but the cross-attention of the text layers. */
  allButCrossAttention: ({ name }: NamedShape): boolean =>
    !(layerPathOf(name)?.rest.startsWith("crossattention.") ?? false),
} as const;

/** The name of a part, or a list of parts and of weight name prefixes. */
export type Freeze = keyof typeof frozenParts | readonly string[];

const isPart = (name: string): name is keyof typeof frozenParts => Object.hasOwn(frozenParts, name);

/** Creates the predicates for a `Freeze`. */
export function frozenBy(freeze: string | readonly string[]) {
  const tests = (typeof freeze === "string" ? [freeze] : freeze).map((name) => ({
    name,
    takes: isPart(name) ? frozenParts[name] : (weight: NamedShape) => weight.name.startsWith(name),
  }));
  return {
    frozen: (weight: NamedShape): boolean => tests.some(({ takes }) => takes(weight)),
    /** Returns the first name of the `Freeze` that matches no weight. */
    unused: (weights: readonly NamedShape[]): string | undefined =>
      tests.find(({ takes }) => !weights.some(takes))?.name,
  };
}

/** BERT's groups: no weight decay for biases and norm scales. BLIP decays all weights. */
export const decayOfMatrices: readonly ParameterGroup[] = [
  { matches: ({ dims }) => dims.length < 2, decay: 0 },
];

/** The index of a weight's group; `groups.length` if no group matches. */
export function groupOf(weight: NamedShape, groups: readonly ParameterGroup[]): number {
  const found = groups.findIndex(({ matches }) => matches(weight));
  return found < 0 ? groups.length : found;
}
