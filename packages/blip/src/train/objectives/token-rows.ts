// Pads texts to rows of equal length, and computes the labels of a decoder.
import { must } from "@blip-ts/base";
import { floatTensor, int64Tensor, type Tensor } from "@blip-ts/graph";
import type { Tokens } from "./batches.ts";
import { badBatch, nothingToLearn } from "./errors.ts";

/** Ids of BLIP's special tokens. */
export interface SpecialTokens {
  /** [PAD] */
  readonly padding: number;
  /** [DEC], the first token of every text that the decoder reads. */
  readonly decoder: number;
  /** [ENC], the first token of every text that attends to an image. */
  readonly encoder: number;
}

/** The ids of bert-base-uncased with BLIP's two added tokens (models/blip.py `init_tokenizer`). */
export const blipTokens: SpecialTokens = { padding: 0, decoder: 30522, encoder: 30523 };

export interface RowOptions {
  /** The first token, which replaces [CLS]. */
  readonly first?: number;
  /** The maximum length. Truncation removes the last words before [SEP], as in transformers. Default: no limit. */
  readonly maxLength?: number;
  /** Texts that also count for the length of the rows. Default: the longest row determines the length. */
  readonly beside?: readonly Tokens[] | undefined;
  /** [PAD] */
  readonly padding: number;
}

export interface Rows {
  readonly length: number;
  /** [B, T] */
  readonly ids: Tensor<"int64">;
  /** 1 for tokens, 0 for padding [B, T]. */
  readonly mask: Tensor<"int64">;
  /** The number of tokens of each row, without padding [B]. */
  readonly lengths: readonly number[];
}

/** Pads texts to rows. @throws {UsageError} `objective/bad-batch` if a text has fewer than two tokens */
export function rowsOf(
  texts: readonly Tokens[],
  { first, maxLength = Infinity, beside = [], padding }: RowOptions,
): Rows {
  const rows = texts.map((tokens, row) => {
    if (tokens.length < 2) throw badBatch(`tokens of text ${row}`, tokens.length, "[CLS] and [SEP] at least");
    const cut =
      tokens.length > maxLength
        ? [...tokens.slice(0, maxLength - 1), must(tokens, tokens.length - 1)]
        : tokens;
    return first === undefined ? cut : [first, ...cut.slice(1)];
  });
  const lengths = rows.map((row) => row.length);
  const length = Math.max(0, ...lengths, ...beside.map((tokens) => Math.min(tokens.length, maxLength)));
  const padded = rows.flatMap((row) => [...row, ...new Array<number>(length - row.length).fill(padding)]);
  const mask = rows.flatMap((row) => Array.from({ length }, (_, at) => (at < row.length ? 1 : 0)));
  const dims = [rows.length, length];
  return { length, ids: int64Tensor(dims, padded), mask: int64Tensor(dims, mask), lengths };
}

/** 0 to T - 1 [T]. */
export const positionsOf = (length: number): Tensor<"int64"> =>
  int64Tensor(
    [length],
    Array.from({ length }, (_, at) => at),
  );

export interface DecoderRows {
  readonly ids: Tensor<"int64">;
  /** [B, T] */
  readonly positions: Tensor<"int64">;
  /** The positions of keys [B, T]. Padding gets a position after every token, so no token attends to it. */
  readonly keys: Tensor<"int64">;
  /** The token after each position [B, T]; 0 if the label does not count. */
  readonly labels: Tensor<"int64">;
  /** 1 if the label counts [B, T]. */
  readonly counts: Uint8Array;
}

/**
 * Rows for a decoder: each token predicts the next token. Labels are shifted only here. Padding and the prompt are not
 * predicted. The label at a position is the next token, so the labels at the last token, at padding and at the first
 * `promptLength - 1` tokens do not count.
 */
export function decoderRows(rows: Rows, promptLength: number): DecoderRows {
  const { length, ids, lengths } = rows;
  const { dims } = ids;
  const counts = new Uint8Array(ids.data.length);
  const labels = new BigInt64Array(ids.data.length);
  const keys = new BigInt64Array(ids.data.length);
  const positions = BigInt64Array.from(ids.data, (_, index) => BigInt(index % length));
  lengths.forEach((tokens, row) => {
    if (tokens <= promptLength) throw nothingToLearn(`text ${row}`);
    for (let at = 0; at < length; at++) {
      const index = row * length + at;
      keys[index] = BigInt(at < tokens ? at : length);
      if (at + 1 < promptLength || at + 1 >= tokens) continue;
      labels[index] = must(ids.data, index + 1);
      counts[index] = 1;
    }
  });
  return {
    ids,
    positions: { dtype: "int64", dims, data: positions },
    keys: { dtype: "int64", dims, data: keys },
    labels: { dtype: "int64", dims, data: labels },
    counts,
  };
}

/** The row's weight at each label that counts, and 0 elsewhere [B, T]. */
export function weighted({ ids, counts }: DecoderRows, weights: readonly number[]): Tensor<"float32"> {
  const [, length = 1] = ids.dims;
  return floatTensor(
    ids.dims,
    Float32Array.from(counts, (count, place) => count * must(weights, Math.floor(place / length))),
  );
}
