// Splits the path of a layer's weight into stack, layer and rest.
import { atLeast } from "@blip-ts/base";

/** Paths of the stacks, by Hugging Face names; the layer's number follows. */
export const stacks = {
  vision: "vision_model.encoder.layers",
  textEncoder: "text_encoder.encoder.layer",
  textDecoder: "text_decoder.bert.encoder.layer",
  dual: "text_model.encoder.layer",
} as const;

export type Stack = keyof typeof stacks;

/** The position of a weight: its stack, its layer and its path within the layer. */
export interface LayerPath {
  readonly stack: Stack;
  readonly layer: number;
  /** The path within the layer, such as `crossattention.self.key.weight`. */
  readonly rest: string;
}

/** Parses the path of a layer's weight; returns undefined for all other weights. */
export function layerPathOf(name: string): LayerPath | undefined {
  for (const stack of Object.keys(stacks) as Stack[]) {
    const prefix = `${stacks[stack]}.`;
    if (!name.startsWith(prefix)) continue;
    const [number, ...rest] = atLeast(name.slice(prefix.length).split("."), 1);
    const layer = Number(number);
    if (number === "" || !Number.isSafeInteger(layer) || layer < 0 || rest.length === 0) return undefined;
    return { stack, layer, rest: rest.join(".") };
  }
  return undefined;
}
