// Checks a caller's tensors before they are read: their dimensions, number type and number count.
import { elementCount } from "@blip-ts/checkpoint";
import type { Tensor } from "@blip-ts/graph";
import { legible, schema } from "@blip-ts/base";
import { type TensorCode, badTensor, wrongWidth } from "./errors.ts";

const kinds = {
  float32: Float32Array,
  int64: BigInt64Array,
} as const;

/** The requirements for a tensor. */
export interface Expected<DType extends keyof typeof kinds> {
  /** The argument's name. */
  readonly name: string;
  readonly dtype: DType;
  /** The dimensions as letters: `["B", "T"]`. */
  readonly dims: readonly string[];
  /** The code of the error. */
  readonly code: TensorCode;
}

/** Returns a tensor's dimensions, or an empty list if they are missing or invalid. */
export function dimsOf(tensor: unknown): readonly number[] {
  const dims: unknown =
    typeof tensor === "object" && tensor !== null && "dims" in tensor ? tensor.dims : undefined;
  return Array.isArray(dims) && dims.every((size) => typeof size === "number") ? dims : [];
}

const mostShown = 100;

/** Describes a value that was given as a tensor, for messages. */
function shownTensor(value: unknown): string {
  if (typeof value !== "object" || value === null) return typeof value;
  const { dtype, dims, data } = value as Partial<Record<keyof Tensor, unknown>>;
  const count = ArrayBuffer.isView(data) && "length" in data ? Number(data.length) : 0;
  const text = `${schema.shownValue(dtype)} ${schema.shownValue(dims)} with ${count} numbers`;
  return legible(text).slice(0, mostShown);
}

/**
 * Checks a tensor: its dimensions must be whole numbers of at least 1, and the count of its numbers must match them.
 * @returns its dimensions
 * @throws {UsageError} with the given code
 */
export function checkTensor<DType extends keyof typeof kinds>(
  tensor: unknown,
  { name, dtype, dims: letters, code }: Expected<DType>,
): number[] {
  const parts = (typeof tensor === "object" && tensor !== null ? tensor : {}) as Partial<
    Record<keyof Tensor, unknown>
  >;
  const dims: readonly unknown[] = Array.isArray(parts.dims) ? parts.dims : [];
  const sizes = dims.filter((size): size is number => Number.isSafeInteger(size) && Number(size) >= 1);
  const { data } = parts;
  const fits =
    parts.dtype === dtype &&
    sizes.length === dims.length &&
    sizes.length === letters.length &&
    data instanceof kinds[dtype] &&
    data.length === elementCount(sizes);
  if (!fits)
    throw badTensor(
      code,
      { name, dtype, dims: letters },
      shownTensor(tensor),
      Array.isArray(parts.dims) ? parts.dims : undefined,
    );
  return sizes;
}

/**
 * Checks pixel values [B, 3, H, W]; the encoder checks their sizes. @returns B @throws {UsageError} `model/bad-pixels`
 */
export function imageCount(pixelValues: unknown): number {
  const [count] = checkTensor(pixelValues, {
    ...{ name: "pixelValues", dtype: "float32", dims: ["B", "3", "H", "W"], code: "model/bad-pixels" },
  });
  return Number(count);
}

/** Checks states [I, N, D]. @param width D, unchecked if omitted @throws {UsageError} `model/bad-states` */
export function checkStates(
  states: unknown,
  width?: number,
  name = "states",
): readonly [number, number, number] {
  const expected = { name, dtype: "float32", code: "model/bad-states" } as const;
  const [count, length, found] = checkTensor(states, { ...expected, dims: ["I", "N", "D"] });
  if (width !== undefined && found !== width) throw wrongWidth(name, width, found);
  return [Number(count), Number(length), Number(found)];
}
