// Dropout (models/med.py) and stochastic depth (models/vit.py, timm's DropPath) with masks as inputs. The caller draws
// the masks from a seed, so that a run can be resumed and is equal on every device.
import { multiplyDims, type GraphBuilder, type Shape, type Value } from "@blip-ts/graph";

/** Dropout and stochastic depth for training. */
export interface Regularizer {
  /** Sets a share of the elements of x to 0 and scales up the other elements, like torch's Dropout. */
  dropout(b: GraphBuilder, x: Value): Value;
  /**
   * Sets a branch [B, N, D] to 0 for a share of the samples, and scales it up for the other samples.
   * @param depth the layer's relative depth, from 0 for the first layer to 1 for the last; the share grows with it
   */
  dropPath(b: GraphBuilder, x: Value, depth: number): Value;
}

/** A mask input of zeros and ones, uint8. 1 keeps an element. */
export interface MaskInput {
  readonly name: string;
  readonly shape: Shape;
  /** The share of zeros. */
  readonly rate: number;
}

export interface Rates {
  /** The dropout rate of the text models; BLIP uses 0.1 for states and for attention weights. Default: 0. */
  readonly dropout?: number;
  /** The rate at the last layer of the image encoder; BLIP uses 0.1 for VQA, NLVR2 and ViT-L. Default: 0. */
  readonly dropPath?: number;
}

/** Creates a mask input for every place of dropout, named `keep LABEL SCOPE`. A rate of 0 creates no input. */
export class Masks {
  readonly inputs: MaskInput[] = [];
  readonly #rates: Required<Rates>;

  constructor({ dropout = 0, dropPath = 0 }: Rates = {}) {
    this.#rates = { dropout, dropPath };
  }

  /** @param label distinguishes uses of the same text or image model; each use draws its own masks */
  for(label: string): Regularizer | undefined {
    const { dropout, dropPath } = this.#rates;
    if (dropout === 0 && dropPath === 0) return undefined;
    return {
      dropout: (b, x) => this.#masked(b, x, label, { shape: x.shape, rate: dropout }),
      dropPath: (b, x, depth) => {
        const [B = 1, ...rest] = x.shape;
        return this.#masked(b, x, label, { shape: [B, ...rest.map(() => 1)], rate: dropPath * depth });
      },
    };
  }

  #masked(b: GraphBuilder, x: Value, label: string, { shape, rate }: Omit<MaskInput, "name">): Value {
    if (rate === 0) return x;
    const name = `keep ${label} ${b.scope}`;
    const mask = b.input(name, "uint8", shape);
    this.inputs.push({ name, shape, rate });
    return b.multiply(x, b.multiply(b.cast(mask, "float32"), b.scalar(1 / (1 - rate))));
  }
}

/** [B, N, D] -> [B, H, N, K] */
export function splitHeads(b: GraphBuilder, x: Value, heads: number): Value {
  const [B, N, D] = b.dims(x, "B N D");
  return b.transpose(b.reshape(x, [B, N, heads, Number(D) / heads]), [0, 2, 1, 3]);
}

/** Attention with dropout of the attention weights: q [B, T, D], k and v [B, N, D] or split into heads -> [B, T, D]. */
export function attentionWithDropout(
  b: GraphBuilder,
  [q, k, v]: readonly [Value, Value, Value],
  {
    heads,
    scale,
    bias,
  }: { readonly heads: number; readonly scale: number; readonly bias: Value | undefined },
  regularize: Regularizer,
): Value {
  const [queries, keys, values] = [q, k, v].map((x) =>
    x.shape.length === 4 ? x : splitHeads(b, x, heads),
  ) as [Value, Value, Value];
  const products = b.matmul(queries, keys, { transposeB: true, scale });
  const weights = regularize.dropout(b, b.softmax(bias ? b.add(products, bias) : products));
  const context = b.matmul(weights, values);
  const [B = 1, H = 1, T = 1, K = 1] = context.shape;
  return b.reshape(b.transpose(context, [0, 2, 1, 3]), [B, T, multiplyDims(H, K)]);
}
