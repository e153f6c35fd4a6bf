// Computes greedy captions of images with each token's log-probability, along the model's own caption or along another
// caption (teacher forcing). They measure the difference between two number types, token by token.
import { atLeast, closing, missed } from "@blip-ts/base";
import {
  BlipForConditionalGeneration,
  BlipProcessor,
  type Hypothesis,
  type Tensor,
  type VerbOptions,
} from "blip-ts";
import { modelPart, processorPart } from "./split-options.ts";

/** A caption as the decoder's tokens; the prompt precedes the generated tokens. */
export type Caption = Pick<Hypothesis, "tokens" | "tokenLogProbabilities">;

export interface GreedyCaptions {
  readonly captions: readonly Caption[];
  /** For each given caption, or for its own: natural logarithms of its generated tokens' probabilities. */
  readonly forced: readonly (readonly number[])[];
}

/** The generated tokens, including [SEP] if it was reached. */
export const generated = ({ tokens, tokenLogProbabilities }: Caption): readonly number[] =>
  tokens.slice(tokens.length - tokenLogProbabilities.length);

/** The log softmax of a row of logits at one index. */
function logProbability(row: Float32Array, token: number): number {
  let most = -Infinity;
  for (const value of row) most = Math.max(most, value);
  let sum = 0;
  for (const value of row) sum += Math.exp(value - most);
  return (row[token] ?? missed("logit")) - most - Math.log(sum);
}

async function along(
  model: BlipForConditionalGeneration,
  pixelValues: Tensor<"float32">,
  caption: Caption,
): Promise<number[]> {
  const ids = caption.tokens.slice(0, -1);
  const dims = [1, ids.length];
  const { logits } = await model.forward({
    pixelValues,
    inputIds: { dtype: "int64", dims, data: BigInt64Array.from(ids, BigInt) },
    attentionMask: { dtype: "int64", dims, data: new BigInt64Array(ids.length).fill(1n) },
  });
  const [, T, V] = atLeast(logits.dims, 3);
  const labels = generated(caption);
  return labels.map((token, index) => {
    const position = T - labels.length + index;
    return logProbability(logits.data.subarray(position * V, (position + 1) * V), token);
  });
}

/**
 * @param reference captions of the same images, along which probabilities are computed; by default its own
 * @throws {ModelError} if the model has no captioning head, ... @throws {InputError} for an image that cannot be read
 */
export async function greedyCaptions(
  source: string,
  options: VerbOptions,
  images: readonly string[],
  reference?: readonly Caption[],
): Promise<GreedyCaptions> {
  const settings = { ...options, compat: options.compat ?? ("blip" as const) };
  return closing(
    await BlipForConditionalGeneration.fromPretrained(source, modelPart(settings)),
    async (model) => {
      const processor = await BlipProcessor.fromPretrained(source, {
        ...processorPart(settings),
        task: "caption",
      });
      const captions: Caption[] = [];
      const forced: number[][] = [];
      for (const [index, image] of images.entries()) {
        settings.signal?.throwIfAborted();
        const { pixelValues } = await processor(image);
        const [[caption] = []] = await model.generate({ pixelValues }, { beams: 1, signal: settings.signal });
        if (!caption) throw new Error(`${image} got no caption`);
        captions.push(caption);
        forced.push(await along(model, pixelValues, reference?.[index] ?? caption));
      }
      return { captions, forced };
    },
  );
}
