// Which weights are trained, and how each group of them is.
import { layerPathOf } from "../../weights/layer-paths.ts";

/** A weight as predicates see it. */
export interface NamedShape {
  /** Its name in the model: Hugging Face's. */
  readonly name: string;
  readonly dims: readonly number[];
}

export interface ParameterGroup {
  /** The weights of the group; a weight belongs to the first group that takes it. */
  readonly matches: (weight: NamedShape) => boolean;
  /** Its weight decay, instead of the optimizer's. */
  readonly decay?: number | undefined;
  /** What the learning rate is multiplied with. */
  readonly lrScale?: number | undefined;
}

/** Weights that stay as they are, by what is trained. The names are those of the model, not of the checkpoint's file. */
export const frozenParts = {
  /** The image encoder: text learns from the states that it gives. */
  imageEncoder: ({ name }: NamedShape): boolean => name.startsWith("vision_model."),
  /** Everything but the cross-attention of the text layers. */
  allButCrossAttention: ({ name }: NamedShape): boolean =>
    !(layerPathOf(name)?.rest.startsWith("crossattention.") ?? false),
} as const;

/** A part by its name, or a list of parts and of beginnings of weights' names. */
export type Freeze = keyof typeof frozenParts | readonly string[];

const isPart = (name: string): name is keyof typeof frozenParts => Object.hasOwn(frozenParts, name);

/** Whether a weight stays as it is, by each of the names of a `Freeze`. */
export function frozenBy(freeze: string | readonly string[]) {
  const tests = (typeof freeze === "string" ? [freeze] : freeze).map((name) => ({
    name,
    takes: isPart(name) ? frozenParts[name] : (weight: NamedShape) => weight.name.startsWith(name),
  }));
  return {
    frozen: (weight: NamedShape): boolean => tests.some(({ takes }) => takes(weight)),
    /** The first of the names that none of the weights has. */
    unused: (weights: readonly NamedShape[]): string | undefined =>
      tests.find(({ takes }) => !weights.some(takes))?.name,
  };
}

/** Groups as BERT's own training has them: no decay of biases and of what norms multiply with. BLIP decays all. */
export const decayOfMatrices: readonly ParameterGroup[] = [
  { matches: ({ dims }) => dims.length < 2, decay: 0 },
];

/** The number of a weight's group; `groups.length` if none takes it. */
export function groupOf(weight: NamedShape, groups: readonly ParameterGroup[]): number {
  const found = groups.findIndex(({ matches }) => matches(weight));
  return found < 0 ? groups.length : found;
}
