// Initial weights for training from scratch, as in the reference's classes (models/vit.py and med.py `_init_weights`;
// torch's defaults for the heads). Not as in transformers, whose image encoder begins at 1e-10 and learns nothing.
import { sizeOf, type Tensor } from "@blip-ts/graph";
import { badSetting } from "./errors.ts";
import { normals, streamOf } from "./random.ts";
import { firstTemperature } from "./temperature.ts";

/** The initial distribution of a weight. */
export type Beginning =
  | { readonly constant: number }
  /** Normal with mean 0. timm truncates at 2, which is 100 of these deviations, so no truncation is needed. */
  | { readonly deviation: number }
  /** Uniform from -bound to bound. */
  | { readonly bound: number };

/** A weight's name and shape. For a bias, torch's initialisation uses the fan-in of the layer's matrix. */
export interface WeightShape {
  readonly name: string;
  readonly shape: readonly number[];
}

const inStacks = /^(vision_model|text_encoder|text_decoder)(_m)?\./;
const isNorm = /(^|\.)(layer_norm\d|post_layernorm|LayerNorm)\.(weight|bias)$/;

/**
 * The initial distribution of a weight:
 * - LoRA updates: A uniform within 1 / sqrt(fan-in), B 0
 * - encoders and decoder: norm scales 1 and norm biases 0, biases 0, everything else normal with deviation 0.02
 * - the patch convolution, which the reference leaves to torch, and the heads: uniform within 1 / sqrt(fan-in), also
 *   biases
 * - temp: 0.07
 * @param fanIn the number of inputs per output of the layer; for a bias, that of the layer's matrix
 */
export function beginningOf(name: string, fanIn: number): Beginning {
  if (name === "temp") return { constant: firstTemperature };
  if (name.endsWith(".lora_B.weight")) return { constant: 0 };
  if (name.endsWith(".lora_A.weight")) return { bound: 1 / Math.sqrt(fanIn) };
  if (isNorm.test(name)) return { constant: name.endsWith(".weight") ? 1 : 0 };
  if (!inStacks.test(name) || /\.patch_embedding\.(weight|bias)$/.test(name))
    return { bound: 1 / Math.sqrt(fanIn) };
  return name.endsWith("bias") ? { constant: 0 } : { deviation: 0.02 };
}

/**
 * Draws the initial weights of a network. Each weight depends only on the seed and its name, not on other weights.
 * @param weights names and shapes, in any order
 * @param follows maps weights that begin equal to another weight (ties and momentum encoders) to that weight
 * @throws {UsageError} `objective/bad-setting` for a head's bias without its matrix
 */
export function initialWeights(
  weights: readonly WeightShape[],
  seed: number,
  follows: Readonly<Record<string, string>> = {},
): Map<string, Tensor<"float32">> {
  const shapes = new Map(weights.map(({ name, shape }) => [name, shape]));
  const make = ({ name, shape }: WeightShape): Tensor<"float32"> => {
    const source = follows[name] ?? name;
    const matrix = shapes.get(name.endsWith(".bias") ? name.replace(/bias$/, "weight") : name);
    if (!matrix && !inStacks.test(name))
      throw badSetting(`weights to begin with, ${name}`, "a bias alone", "a bias with its matrix");
    const fanIn = sizeOf((matrix ?? shape).slice(1));
    return {
      dtype: "float32",
      dims: shape,
      data: drawn(sizeOf(shape), beginningOf(source, fanIn), seed, source),
    };
  };
  return new Map(weights.map((weight) => [weight.name, make(weight)]));
}

function drawn(count: number, beginning: Beginning, seed: number, name: string): Float32Array {
  if ("constant" in beginning) return new Float32Array(count).fill(beginning.constant);
  const random = streamOf(seed, name);
  if ("bound" in beginning)
    return Float32Array.from({ length: count }, () => (2 * random() - 1) * beginning.bound);
  const values = new Float32Array(count);
  for (let at = 0; at < count; at += 2) {
    const [first, second] = normals(random);
    values[at] = beginning.deviation * first;
    if (at + 1 < count) values[at + 1] = beginning.deviation * second;
  }
  return values;
}
