// The weights to train, and the settings of each group of them.
import { layerPathOf } from "../../weights/layer-paths.ts";

/** A weight as predicates get it. */
export interface NamedShape {
  /** Its Hugging Face name in the model. */
  readonly name: string;
  readonly dims: readonly number[];
}

export interface ParameterGroup {
  /** Selects the group's weights. A weight belongs to the first group that takes it. */
  readonly matches: (weight: NamedShape) => boolean;
  /** Its weight decay, instead of the optimizer's. */
  readonly decay?: number | undefined;
  /** The factor of the learning rate. */
  readonly lrScale?: number | undefined;
}

/** Predicates of frozen weights, by part. The names are those of the model, not of the checkpoint's file. */
export const frozenParts = {
  /** The image encoder: the text model learns from its states. */
  imageEncoder: ({ name }: NamedShape): boolean => name.startsWith("vision_model."),
  /** Everything but the cross-attention of the text layers. */
  allButCrossAttention: ({ name }: NamedShape): boolean =>
    !(layerPathOf(name)?.rest.startsWith("crossattention.") ?? false),
} as const;

/** The name of a part, or a list of parts and of weight name prefixes. */
export type Freeze = keyof typeof frozenParts | readonly string[];

const isPart = (name: string): name is keyof typeof frozenParts => Object.hasOwn(frozenParts, name);

/** Tells whether any name of a `Freeze` freezes a weight. */
export function frozenBy(freeze: string | readonly string[]) {
  const tests = (typeof freeze === "string" ? [freeze] : freeze).map((name) => ({
    name,
    takes: isPart(name) ? frozenParts[name] : (weight: NamedShape) => weight.name.startsWith(name),
  }));
  return {
    frozen: (weight: NamedShape): boolean => tests.some(({ takes }) => takes(weight)),
    /** The first name that matches none of the weights. */
    unused: (weights: readonly NamedShape[]): string | undefined =>
      tests.find(({ takes }) => !weights.some(takes))?.name,
  };
}

/** BERT's groups: no decay of biases and norm scales. BLIP decays all weights. */
export const decayOfMatrices: readonly ParameterGroup[] = [
  { matches: ({ dims }) => dims.length < 2, decay: 0 },
];

/** The index of a weight's group; `groups.length` if no group takes it. */
export function groupOf(weight: NamedShape, groups: readonly ParameterGroup[]): number {
  const found = groups.findIndex(({ matches }) => matches(weight));
  return found < 0 ? groups.length : found;
}
