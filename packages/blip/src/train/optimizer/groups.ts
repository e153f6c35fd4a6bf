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

/** Groups as BERT's own training has them: no decay of biases and of what norms multiply with. BLIP decays all. */
export const decayOfMatrices: readonly ParameterGroup[] = [
  { matches: ({ dims }) => dims.length < 2, decay: 0 },
];

/** The number of a weight's group; `groups.length` if none takes it. */
export function groupOf(weight: NamedShape, groups: readonly ParameterGroup[]): number {
  const found = groups.findIndex(({ matches }) => matches(weight));
  return found < 0 ? groups.length : found;
}
