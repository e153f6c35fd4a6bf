// ITC: aligns the features of images and texts that belong together (ALBEF, arXiv 2107.07651, 3.2;
// models/blip_retrieval.py, blip_pretrain.py). The keys are the momentum encoders' features of this batch and of
// previous batches. The targets mix the true pairs with the momentum encoders' own predictions.
import { must } from "@blip-ts/base";
import { floatTensor, type Tensor, type Value } from "@blip-ts/graph";
import type { PairBatch, Tokens } from "./batches.ts";
import { badBatch } from "./errors.ts";
import type { KeyQueue } from "./key-queue.ts";
import type { Network } from "./network.ts";
import { positionsOf, rowsOf, type RowOptions } from "./token-rows.ts";
import type { LossPart, Tensors } from "./part.ts";

export interface ContrastOptions {
  readonly queue: KeyQueue;
  /** Returns the momentum encoders' share of the targets at a step. See `rampedAlpha`. */
  readonly alpha: (step: number) => number;
  /**
   * The positives. `image`: all entries of the same image, in the batch and the queue (retrieval). `pair`: only the
   * pair itself (pre-training, whose queue stores no image ids).
   */
  readonly positives: "image" | "pair";
  readonly rows: RowOptions;
}

/**
 * The share of soft targets per step. It grows linearly from 0 to `alpha` (0.4 in BLIP) over `rampSteps`: one epoch in
 * retrieval, two in pre-training (train_retrieval.py, pretrain.py).
 */
export const rampedAlpha =
  (alpha: number, rampSteps: number) =>
  (step: number): number =>
    alpha * (rampSteps > 0 ? Math.min(1, step / rampSteps) : 1);

/** The false texts of a batch. True and false texts are padded to the same length. */
export const falseTexts = ({ falseTokens = [] }: Pick<PairBatch, "falseTokens">): readonly Tokens[] =>
  falseTokens.filter((tokens) => tokens !== undefined);

/** The inputs of the unimodal text encoder: ids, mask and positions. */
export function textInputs(batch: Pick<PairBatch, "tokens" | "falseTokens">, options: RowOptions): Tensors {
  const { ids, mask, length } = rowsOf(batch.tokens, { ...options, beside: falseTexts(batch) });
  return { input_ids: ids, attention_mask: mask, position_ids: positionsOf(length) };
}

/** The image id of each text; unique numbers if the batch has none. @throws {UsageError} `objective/bad-batch` */
export function imageIdsOf({ size, imageIds }: PairBatch): readonly number[] {
  if (imageIds && imageIds.length !== size) throw badBatch("image ids", imageIds.length, size);
  return imageIds ?? Array.from({ length: size }, (_, row) => row);
}

/**
 * The targets [B, B + Q]. In each row, the keys of the same image, in this batch and in the queue, share 1 equally.
 * @param queued the image ids in the queue, ignored if `positives` is `pair`
 */
export function positiveTargets(
  ids: readonly number[],
  queued: ArrayLike<number>,
  positives: ContrastOptions["positives"],
): Tensor<"float32"> {
  const [B, Q] = [ids.length, queued.length];
  const targets = new Float32Array(B * (B + Q));
  ids.forEach((id, row) => {
    const own: number[] = [];
    for (let other = 0; other < B; other++)
      if (positives === "pair" ? other === row : must(ids, other) === id) own.push(other);
    for (let key = 0; positives === "image" && key < Q; key++) if (queued[key] === id) own.push(B + key);
    for (const column of own) targets[row * (B + Q) + column] = 1 / own.length;
  });
  return floatTensor([B, B + Q], targets);
}

/** Cosines of queries [B, E] with the batch's keys [B, E] and the queue [Q, E], over the temperature: [B, B + Q]. */
function similarities({ b, temperature }: Network, queries: Value, keys: Value, queue: Value): Value {
  const product = (right: Value) => b.matmul(queries, right, { transposeB: true });
  return b.divide(b.concat([product(keys), product(queue)], 1), temperature);
}

function build(network: Network, { queue }: ContrastOptions): Value {
  const { b, batch: B, features, momentumFeatures: keys } = network;
  const E = network.config.jointEmbedding;
  const queues = {
    images: b.input("image_queue", "float32", [queue.length, E]),
    texts: b.input("text_queue", "float32", [queue.length, E]),
  };
  const positives = b.input("positive_targets", "float32", [B, B + queue.length]);
  const alpha = b.input("alpha", "float32", []);
  const certain = b.multiply(positives, b.subtract(b.scalar(1), alpha));
  const side = (from: "images" | "texts", to: "images" | "texts"): Value => {
    const soft = b.softmax(b.detach(similarities(network, keys[from], keys[to], queues[to])));
    const targets = b.add(b.multiply(soft, alpha), certain);
    const logs = b.logSoftmax(similarities(network, features[from], keys[to], queues[to]));
    return b.sum(b.multiply(logs, targets), [0, 1]);
  };
  // The mean of both directions, over B rows.
  const loss = b.multiply(b.add(side("images", "texts"), side("texts", "images")), b.scalar(-0.5 / B));
  b.output("momentum_image_features", keys.images);
  b.output("momentum_text_features", keys.texts);
  return loss;
}

/** The ITC loss. It adds every batch to the queue. */
export function contrast(options: ContrastOptions): LossPart<PairBatch> {
  const { queue, positives } = options;
  return {
    name: "ITC",
    build: (network) => build(network, options),
    inputs: (batch, { step }) => ({
      ...textInputs(batch, options.rows),
      ...queue.inputs(),
      positive_targets: positiveTargets(imageIdsOf(batch), queue.ids, positives),
      alpha: floatTensor([], [options.alpha(step)]),
    }),
    outputs: ["momentum_image_features", "momentum_text_features"],
    after(outputs, batch) {
      const { momentum_image_features: images, momentum_text_features: texts } = outputs;
      if (!images || !texts)
        throw badBatch("outputs for the queue", Object.keys(outputs).join(", "), "both features");
      queue.add(images, texts, imageIdsOf(batch));
    },
    state: () => queue.state(),
    restore: (state) => {
      queue.restore(state);
    },
  };
}
