// The network that objectives build on. Each part is built once, when a loss first uses it, and all losses share it.
import { GraphBuilder, multiplyDims, type Dim, type Graph, type Value } from "@blip-ts/graph";
import type { BlipConfig } from "../../model/config.ts";
import { Masks, type Rates } from "../../model/regularize.ts";
import { paddingBias, textModel } from "../../model/text.ts";
import { visionModel } from "../../model/vision.ts";
import { temperatureBounds } from "./temperature.ts";

export interface NetworkOptions extends Rates {
  /** B, the number of samples per batch. */
  readonly batch: number;
  /** S, the side of the images in pixels. Default: the config's. */
  readonly imageSize?: number;
  /** Images per sample: 2 for statements. Default: 1. */
  readonly images?: number;
}

/** One text per image, for the unimodal encoder. */
export interface Texts {
  /** [B, T], int64 each. */
  readonly ids: Value;
  readonly mask: Value;
  /** [T] */
  readonly positions: Value;
}

/** Unit vectors [B, E] of images and of their texts. */
export interface Features {
  readonly images: Value;
  readonly texts: Value;
}

/** The product of all dimensions but the first. */
const rest = ({ shape }: Value): Dim => shape.slice(1).reduce<Dim>((a, b) => multiplyDims(a, b), 1);

/** Picks rows of x [B, ...] by a 0/1 matrix [R, B]: [R, ...]. Forward and backward are matrix products. */
export function pickRows(b: GraphBuilder, choice: Value, x: Value): Value {
  const [B = 1, ...sizes] = x.shape;
  const [R = 1] = choice.shape;
  return b.reshape(b.matmul(choice, b.reshape(x, [B, rest(x)])), [R, ...sizes]);
}

/** The first state of each row: [B, N, D] -> [B, D]. */
export function firstStates(b: GraphBuilder, states: Value): Value {
  const [B, , D] = b.dims(states, "B N D");
  return b.reshape(b.slice(states, 1, 0, 1), [B, D]);
}

/** The values that losses share. Weight names are those of the checkpoint; momentum encoders end in `_m`. */
export class Network {
  readonly b: GraphBuilder;
  readonly config: BlipConfig;
  readonly batch: number;
  readonly masks: Masks;
  readonly #options: NetworkOptions;
  readonly #made = new Map<string, Value>();
  #texts: Texts | undefined;

  constructor(name: string, config: BlipConfig, options: NetworkOptions) {
    this.b = GraphBuilder.create(name);
    this.config = config;
    this.batch = options.batch;
    this.masks = new Masks(options);
    this.#options = options;
  }

  #once(name: string, make: () => Value): Value {
    const known = this.#made.get(name) ?? make();
    this.#made.set(name, known);
    return known;
  }

  /** The input pixel_values [B, 3, S, S]. */
  get pixels(): Value {
    const { imageSize = this.config.vision.imageSize, images = 1 } = this.#options;
    return this.#once("pixels", () =>
      this.b.input("pixel_values", "float32", [images * this.batch, 3, imageSize, imageSize]),
    );
  }

  #visionStates(ending: "" | "_m"): Value {
    const regularize = this.masks.for(ending === "" ? "online" : "momentum");
    return this.#once(`states${ending}`, () =>
      visionModel(this.b.at(`vision_model${ending}`), this.pixels, this.config.vision, regularize),
    );
  }

  /** All states of the images [B, N, D']. */
  get imageStates(): Value {
    return this.#visionStates("");
  }

  /** The inputs input_ids, attention_mask and position_ids. */
  get texts(): Texts {
    this.#texts ??= {
      ids: this.b.input("input_ids", "int64", [this.batch, "T"]),
      mask: this.b.input("attention_mask", "int64", [this.batch, "T"]),
      positions: this.b.input("position_ids", "int64", ["T"]),
    };
    return this.#texts;
  }

  #features(ending: "" | "_m"): Features {
    const { b, config } = this;
    const unit = (first: Value, head: string) =>
      b.l2Normalize(b.linear(first, `${head}${ending}`, config.jointEmbedding));
    const images = this.#once(`images${ending}`, () =>
      unit(firstStates(b, this.#visionStates(ending)), "vision_proj"),
    );
    const texts = this.#once(`texts${ending}`, () => {
      const { ids, mask, positions } = this.texts;
      const regularize = this.masks.for(ending === "" ? "online" : "momentum");
      const inputs = { ids, positions, bias: paddingBias(b, mask), firstOnly: true, regularize };
      const { states } = textModel(b.at(`text_encoder${ending}`), inputs, config.text);
      return unit(firstStates(b, states), "text_proj");
    });
    return { images, texts };
  }

  /** The features of the trained network. */
  get features(): Features {
    return this.#features("");
  }

  /** The features of the momentum encoders (moving averages), without gradient. */
  get momentumFeatures(): Features {
    return this.#features("_m");
  }

  /**
   * The weight temp [], clamped to its bounds. The trainer also clamps the weight itself, as the reference does. The
   * gradient passes through the clamp unchanged.
   */
  get temperature(): Value {
    return this.#once("temperature", () => {
      const { b } = this;
      const temp = b.weight("temp", []);
      const [lowest, highest] = [temperatureBounds.lowest, temperatureBounds.highest].map((x) =>
        b.scalar(x),
      ) as [Value, Value];
      const above = b.relu(b.subtract(temp, lowest));
      const within = b.subtract(b.add(above, lowest), b.relu(b.subtract(temp, highest)));
      return b.add(temp, b.detach(b.subtract(within, temp)));
    });
  }

  build(): Graph {
    return this.b.build();
  }
}
