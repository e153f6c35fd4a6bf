// Checks token ids for the network, and creates their positions.
import { int64Tensor, type Tensor } from "@blip-ts/graph";
import { atLeast } from "@blip-ts/base";
import { checkTensor, dimsOf } from "./tensor-checks.ts";
import type { BlipConfig } from "../model/config.ts";
import { badIds, badMask, unknownId } from "./errors.ts";

/** Token ids and their padding mask, [B, T] each. */
export interface TextFeeds {
  /** Token ids [B, T], with padding. */
  readonly inputIds: Tensor<"int64">;
  /** 1 for tokens, 0 for padding; by default every position is a token. */
  readonly attentionMask?: Tensor<"int64"> | undefined;
}

/** Checked ids with their mask. */
export interface CheckedTexts {
  readonly inputIds: Tensor<"int64">;
  readonly attentionMask: Tensor<"int64">;
}

/** Creates the positions 0 to length - 1. */
export function positions(length: number): Tensor<"int64"> {
  return int64Tensor(
    [length],
    Array.from({ length }, (_, index) => index),
  );
}

/**
 * Checks ids and their mask. Adds a mask of ones if there is none.
 * @throws {UsageError} `model/bad-ids`
 */
export function checkTextFeeds(
  { inputIds, attentionMask }: TextFeeds,
  { maxPositions, vocabSize }: BlipConfig["text"],
): CheckedTexts {
  const dims = dimsOf(inputIds);
  const [, length] = dims;
  if (dims.length !== 2 || length === undefined || length === 0 || length > maxPositions)
    throw badIds(dims, maxPositions);
  checkTensor(inputIds, { name: "inputIds", dtype: "int64", dims: ["B", "T"], code: "model/bad-ids" });
  const wrong = inputIds.data.find((id) => id < 0n || id >= BigInt(vocabSize));
  if (wrong !== undefined) throw unknownId(wrong, vocabSize);
  const mask = attentionMask ?? {
    dtype: "int64" as const,
    dims: inputIds.dims,
    data: inputIds.data.map(() => 1n),
  };
  const maskDims = dimsOf(mask);
  if (maskDims.length !== 2 || maskDims.some((size, axis) => size !== dims[axis]))
    throw badMask(dims, maskDims);
  checkTensor(mask, { name: "attentionMask", dtype: "int64", dims: ["B", "T"], code: "model/bad-ids" });
  return { inputIds, attentionMask: mask };
}

/** Replaces the first token of each sequence, as BLIP replaces [CLS] by [ENC]. */
export function withFirstToken(inputIds: Tensor<"int64">, first: number | undefined): Tensor<"int64"> {
  if (first === undefined) return inputIds;
  const [count, length] = atLeast(inputIds.dims, 2);
  const data = inputIds.data.slice();
  for (let row = 0; row < count; row++) data[row * length] = BigInt(first);
  return { dtype: "int64", dims: inputIds.dims, data };
}
