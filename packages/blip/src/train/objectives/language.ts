// LM: predicts the next word of a caption from the image and the previous words (models/blip.py `BLIP_Decoder`,
// blip_pretrain.py). It avoids two known mistakes: padding is not counted, and labels are shifted exactly once.
import type { Tensor, Value } from "@blip-ts/graph";
import { languageModelTies, tokenLosses, type LanguageModelInputs } from "../../model/language-model.ts";
import type { CaptionBatch, ImageBatch, Tokens } from "./batches.ts";
import type { Network } from "./network.ts";
import type { LossPart, Tensors } from "./part.ts";
import {
  decoderRows,
  rowsOf,
  weighted,
  type DecoderRows,
  type RowOptions,
  type SpecialTokens,
} from "./token-rows.ts";

/** BLIP's label smoothing: the share of each target that is spread over the vocabulary (models/med.py). */
export const labelSmoothing = 0.1;

export interface LanguageOptions {
  readonly rows: RowOptions;
  readonly tokens: Pick<SpecialTokens, "decoder">;
  /** Default: BLIP's 0.1. */
  readonly smoothing?: number;
}

/** The loss of a decoder's texts [R, T]: the sum of each token's loss times its weight. */
export function weightedTokenLoss(
  { b, config, masks }: Network,
  rows: Value["shape"][number] | string,
  crossAttendTo: LanguageModelInputs["crossAttendTo"],
  smoothing: number,
): Value {
  const input = (name: string) => b.input(name, "int64", [rows, "D"]);
  const inputs = {
    ids: input("decoder_ids"),
    positions: input("decoder_positions"),
    keys: input("decoder_keys"),
    labels: input("labels"),
  };
  const weights = b.input("label_weights", "float32", [rows, "D"]);
  const losses = tokenLosses(
    b,
    { ...inputs, crossAttendTo, regularize: masks.for("decoder") },
    config,
    smoothing,
  );
  return b.sum(b.multiply(losses, weights), [0, 1]);
}

export const decoderInputs = (rows: DecoderRows, weights: Tensor<"float32">): Tensors => ({
  decoder_ids: rows.ids,
  decoder_positions: rows.positions,
  decoder_keys: rows.keys,
  labels: rows.labels,
  label_weights: weights,
});

/** Captions of a batch, with a prompt, or without a prompt (pre-training). */
type Captions = ImageBatch & { readonly tokens: readonly Tokens[] } & Partial<
    Pick<CaptionBatch, "promptLength">
  >;

/** The LM loss: the mean over all predicted tokens. */
export function language({ rows, tokens, smoothing = labelSmoothing }: LanguageOptions): LossPart<Captions> {
  const read = ({ tokens: texts, promptLength = 1 }: Captions) =>
    decoderRows(rowsOf(texts, { ...rows, first: tokens.decoder }), promptLength);
  const countOf = ({ counts }: DecoderRows, { size, counted = size }: Captions) =>
    counts.subarray(0, (counts.length / size) * counted).reduce((sum, count) => sum + count, 0);
  return {
    name: "LM",
    build(network) {
      const { imageStates } = network;
      return weightedTokenLoss(network, network.batch, () => [{ of: imageStates }], smoothing);
    },
    inputs(batch) {
      const decoder = read(batch);
      const { size, counted = size } = batch;
      const share = 1 / countOf(decoder, batch);
      const shares = Array.from({ length: size }, (_, row) => (row < counted ? share : 0));
      return decoderInputs(decoder, weighted(decoder, shares));
    },
    count: (batch) => countOf(read(batch), batch),
    ties: languageModelTies,
  };
}
