// NLVR2: classifies whether a statement is true of two images (models/blip_nlvr.py).
import { floatTensor, int64Tensor, type Value } from "@blip-ts/graph";
import { paddingBias, textModel } from "../../model/text.ts";
import type { StatementBatch } from "./batches.ts";
import { badBatch } from "./errors.ts";
import { firstStates, type Network } from "./network.ts";
import type { LossPart } from "./part.ts";
import { positionsOf, rowsOf, type RowOptions, type SpecialTokens } from "./token-rows.ts";

export interface StatementsOptions {
  readonly rows: RowOptions;
  readonly tokens: Pick<SpecialTokens, "encoder">;
}

function build(network: Network): Value {
  const { b, batch: B, config, imageStates } = network;
  const { ids, mask, positions } = network.texts;
  const labels = b.input("labels", "int64", [B]);
  const shares = b.input("statement_shares", "float32", [B]);
  const sources = [b.slice(imageStates, 0, 0, B), b.slice(imageStates, 0, B, 2 * B)].map((of) => ({ of }));
  const { states } = textModel(
    b.at("text_encoder"),
    {
      ...{ ids, positions, bias: paddingBias(b, mask), crossAttendTo: () => sources, firstOnly: true },
      regularize: network.masks.for("statement"),
    },
    config.text,
  );
  const inner = b.relu(b.linear(firstStates(b, states), "cls_head.0", config.text.hiddenSize));
  const losses = b.crossEntropy(b.linear(inner, "cls_head.2", 2), labels);
  return b.sum(b.multiply(losses, shares), [0]);
}

/** The NLVR loss: the mean two-way cross-entropy over statements. Each sample has two images. */
export function statements({ rows, tokens }: StatementsOptions): LossPart<StatementBatch> {
  return {
    name: "NLVR",
    build,
    inputs(batch) {
      if (batch.labels.length !== batch.size) throw badBatch("labels", batch.labels.length, batch.size);
      const read = rowsOf(batch.sentences, { ...rows, first: tokens.encoder });
      const { size, counted = size } = batch;
      const shares = Array.from({ length: size }, (_, row) => (row < counted ? 1 / counted : 0));
      return {
        input_ids: read.ids,
        attention_mask: read.mask,
        position_ids: positionsOf(read.length),
        labels: int64Tensor([size], batch.labels),
        statement_shares: floatTensor([size], shares),
      };
    },
  };
}
