// ITM: classifies whether a text belongs to an image, with the hardest negatives of the batch (ALBEF, arXiv 2107.07651,
// 3.2; models/blip_retrieval.py, blip_pretrain.py).
import { must } from "@blip-ts/base";
import { floatTensor, int64Tensor, type GraphBuilder, type Tensor, type Value } from "@blip-ts/graph";
import { embedText, layerKeysAndValues, paddingBias, textModel } from "../../model/text.ts";
import type { PairBatch } from "./batches.ts";
import { falseTexts, imageIdsOf, textInputs } from "./contrast.ts";
import { badBatch, noNegatives } from "./errors.ts";
import { drawRows } from "./hard-negatives.ts";
import { firstStates, pickRows, type Network } from "./network.ts";
import type { LossPart, Tensors } from "./part.ts";
import { streamOf, uniforms } from "./random.ts";
import { rowsOf, type RowOptions, type SpecialTokens } from "./token-rows.ts";

export interface MatchingOptions {
  /** The keys of the similarities: the online features (retrieval) or the momentum features (pre-training). */
  readonly keys: "online" | "momentum";
  /** A constant added to every unmasked sampling weight: 0 in retrieval, 1e-4 in pre-training. */
  readonly floor: number;
  /** Whether an image's negative text is its own `falseTokens`, if given. Default: false: another image's text. */
  readonly falseCaptions?: boolean;
  readonly rows: RowOptions;
  readonly tokens: Pick<SpecialTokens, "encoder">;
}

/** 1 if an image and a text may form a negative pair, 0 if they belong to the same image [B, B]. */
export function wrongPairs(ids: readonly number[]): Tensor<"float32"> {
  return floatTensor(
    [ids.length, ids.length],
    ids.flatMap((id) => ids.map((other) => (other === id ? 0 : 1))),
  );
}

interface Negatives {
  /** One negative image per text, and one negative text per image [B, B]: one-hot rows, or zeros. */
  readonly images: Value;
  readonly texts: Value;
  /** 1 if a negative exists [B]. */
  readonly hasImage: Value;
  readonly hasText: Value;
}

/**
 * Draws negatives by the softmax of similarities: first images for all texts, then texts for all images, as in the
 * reference. The random numbers are inputs of the graph. A row has no negative if all other rows have the same image;
 * the reference fails in that case.
 */
function negatives(network: Network, { keys, floor }: MatchingOptions): Negatives {
  const { b, batch: B, features, temperature } = network;
  const other = keys === "online" ? features : network.momentumFeatures;
  const wrong = b.input("wrong_pairs", "float32", [B, B]);
  const draws = b.input("negative_draws", "float32", [2, B]);
  const weights = (queries: Value, against: Value) => {
    const cosines = b.matmul(queries, against, { transposeB: true });
    const likely = b.softmax(b.detach(b.divide(cosines, temperature)));
    return b.multiply(floor > 0 ? b.add(likely, b.scalar(floor)) : likely, wrong);
  };
  const drawn = (row: number) => b.slice(draws, 0, row, row + 1);
  const images = drawRows(b, weights(features.texts, other.images), drawn(0));
  const texts = drawRows(b, weights(features.images, other.texts), drawn(1));
  const places = b.constant(floatTensor([1, B], [...new Array(B).keys()]));
  b.output("negative_images", b.sum(b.multiply(images.choice, places), [1]));
  b.output("negative_texts", b.sum(b.multiply(texts.choice, places), [1]));
  return { images: images.choice, texts: texts.choice, hasImage: images.exists, hasText: texts.exists };
}

/** The negative texts of the images as inputs of the text encoder, and whether each exists. */
interface WrongTexts {
  /** [B, T, D] */
  readonly words: Value;
  /** The attention mask [B, T]: 1 for tokens. */
  readonly seen: Value;
  /** [B] */
  readonly exists: Value;
}

/** Returns each image's negative text: its false caption if it has one, otherwise another image's caption. */
function wrongTexts(
  network: Network,
  negative: Negatives,
  {
    words,
    seen,
    embed,
  }: { readonly words: Value; readonly seen: Value; readonly embed: (ids: Value) => Value },
  falseCaptions: boolean,
): WrongTexts {
  const { b, batch: B } = network;
  const drawn = {
    words: pickRows(b, negative.texts, words),
    seen: pickRows(b, negative.texts, seen),
    exists: negative.hasText,
  };
  if (!falseCaptions) return drawn;
  const has = b.input("has_false", "float32", [B]);
  const own = {
    words: embed(b.input("false_ids", "int64", [B, "T"])),
    seen: b.cast(b.input("false_mask", "int64", [B, "T"]), "float32"),
  };
  const either = (mine: Value, others: Value, share: Value) =>
    b.add(b.multiply(mine, share), b.multiply(others, b.subtract(b.scalar(1), share)));
  return {
    words: either(own.words, drawn.words, b.reshape(has, [B, 1, 1])),
    seen: either(own.seen, drawn.seen, b.reshape(has, [B, 1])),
    exists: either(has, drawn.exists, has),
  };
}

/**
 * Logits of 3 B pairs: B true pairs, B texts with a negative image, B images with a negative text. The keys and values
 * of an image are computed once and shared by all rows that attend to the image. The last layer computes only the first
 * states.
 */
function logits(
  network: Network,
  negative: Negatives,
  falseCaptions: boolean,
): { readonly logits: Value; readonly hasText: Value } {
  const { b, batch: B, config, imageStates } = network;
  const stack = b.at("text_encoder");
  const ids = b.input("itm_ids", "int64", [B, "T"]);
  const { mask, positions } = network.texts;
  const embed = (of: Value) => embedText(stack, of, positions, config.text);
  const words = embed(ids);
  const seen = b.cast(mask, "float32");
  const wrong = wrongTexts(network, negative, { words, seen, embed }, falseCaptions);
  const thrice = (own: Value, other: Value) => b.concat([own, own, other], 0);
  const seenImages = (at: GraphBuilder, of: Value) =>
    at.concat([of, pickRows(at, negative.images, of), of], 0);
  const crossAttendTo = (layer: number) => [
    { of: layerKeysAndValues(stack, imageStates, layer, config.text, seenImages) },
  ];
  const { states } = textModel(
    stack,
    {
      embedded: thrice(words, wrong.words),
      bias: paddingBias(b, thrice(seen, wrong.seen)),
      ...{ crossAttendTo, firstOnly: true, regularize: network.masks.for("matching") },
    },
    config.text,
  );
  return { logits: b.linear(firstStates(b, states), "itm_head", 2), hasText: wrong.exists };
}

/** Builds the ITM loss: the mean over the pairs that exist; 0 if no row has a negative. */
function build(network: Network, options: MatchingOptions): Value {
  const { b, batch: B } = network;
  if (B < 2) throw noNegatives(B);
  const found = negatives(network, options);
  const labels = [...new Array<number>(B).fill(1), ...new Array<number>(2 * B).fill(0)];
  const { logits: scores, hasText } = logits(network, found, options.falseCaptions ?? false);
  const losses = b.crossEntropy(scores, b.constant(int64Tensor([3 * B], labels)));
  const wrong = b.concat([found.hasImage, hasText], 0);
  const any = b.positive(b.sum(wrong, [0]));
  const counted = b.concat([b.expand(b.reshape(any, [1]), [B]), wrong], 0);
  // max(1, the number of pairs)
  const pairs = b.add(b.relu(b.subtract(b.sum(counted, [0]), b.scalar(1))), b.scalar(1));
  return b.divide(b.sum(b.multiply(losses, counted), [0]), pairs);
}

/** The ids and the mask of the false texts. Rows without a false text are [ENC], [SEP] and padding. */
function falseInputs({ size, tokens, falseTokens }: PairBatch, rows: RowOptions, encoder: number): Tensors {
  const own: NonNullable<PairBatch["falseTokens"]> = falseTokens ?? tokens.map(() => undefined);
  if (own.length !== size) throw badBatch("false texts", own.length, size);
  const texts = own.map((text, row) => text ?? must(tokens, row).slice(-2));
  const { ids, mask } = rowsOf(texts, { ...rows, first: encoder, beside: tokens });
  const has = own.map((text) => (text ? 1 : 0));
  return { false_ids: ids, false_mask: mask, has_false: floatTensor([size], has) };
}

/** The ITM loss. @throws {UsageError} `objective/no-negatives` for batches of one pair */
export function matching(options: MatchingOptions): LossPart<PairBatch> {
  const { rows, tokens } = options;
  return {
    name: "ITM",
    build: (network) => build(network, options),
    inputs: (batch, { seed }) => ({
      ...textInputs(batch, rows),
      itm_ids: rowsOf(batch.tokens, { ...rows, first: tokens.encoder, beside: falseTexts(batch) }).ids,
      ...(options.falseCaptions === true && falseInputs(batch, rows, tokens.encoder)),
      wrong_pairs: wrongPairs(imageIdsOf(batch)),
      negative_draws: floatTensor(
        [2, batch.size],
        uniforms(2 * batch.size, streamOf(seed, "negative_draws")),
      ),
    }),
  };
}
