// Tensors that a caller gives: their dimensions, and as many numbers of the right kind, before anything is read of them.
import { elementCount } from "@blip-ts/checkpoint";
import type { Tensor } from "@blip-ts/graph";
import { legible, schema } from "@blip-ts/base";
import { type TensorCode, badTensor, wrongWidth } from "./errors.ts";

const kinds = {
  float32: Float32Array,
  int64: BigInt64Array,
} as const;

/** What a tensor is to be. */
export interface Expected<DType extends keyof typeof kinds> {
  /** The argument's name. */
  readonly name: string;
  readonly dtype: DType;
  /** Its dimensions by their letters: `["B", "T"]`. */
  readonly dims: readonly string[];
  /** The error's code. */
  readonly code: TensorCode;
}

/** The dimensions that a tensor says it has. */
export function dimsOf(tensor: unknown): readonly number[] {
  const dims: unknown =
    typeof tensor === "object" && tensor !== null && "dims" in tensor ? tensor.dims : undefined;
  return Array.isArray(dims) && dims.every((size) => typeof size === "number") ? dims : [];
}

const mostShown = 100;

/** What was given instead of a tensor, short. */
function shownTensor(value: unknown): string {
  if (typeof value !== "object" || value === null) return typeof value;
  const { dtype, dims, data } = value as Partial<Record<keyof Tensor, unknown>>;
  const count = ArrayBuffer.isView(data) && "length" in data ? Number(data.length) : 0;
  const text = `${schema.shownValue(dtype)} ${schema.shownValue(dims)} with ${count} numbers`;
  return legible(text).slice(0, mostShown);
}

/**
 * The dimensions of a tensor, whole numbers of at least 1, of which it has as many numbers.
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

/** Pixel values [B, 3, H, W]; their sizes are the encoder's to check. @returns B @throws {UsageError} `model/bad-pixels` */
export function imageCount(pixelValues: unknown): number {
  const [count] = checkTensor(pixelValues, {
    ...{ name: "pixelValues", dtype: "float32", dims: ["B", "3", "H", "W"], code: "model/bad-pixels" },
  });
  return Number(count);
}

/** States of images, questions or texts, [I, N, D]. @param width D @throws {UsageError} `model/bad-states` */
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
