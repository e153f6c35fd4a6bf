// Element types of tensors, their sizes and their typed arrays.

/** The element types of graph values and stored weights. */
export const dtypes = [
  "float32",
  "float16",
  "bfloat16",
  "float64",
  "int64",
  "int32",
  "int8",
  "uint8",
  "bool",
] as const;

/** An element type of a tensor. */
export type DType = (typeof dtypes)[number];

/** Bytes of one element. */
export const elementSize: Readonly<Record<DType, number>> = {
  float32: 4,
  float16: 2,
  bfloat16: 2,
  float64: 8,
  int64: 8,
  int32: 4,
  int8: 1,
  uint8: 1,
  bool: 1,
};

/** The typed array for each element type. Half floats are stored as their bits. */
export interface ElementArray {
  float32: Float32Array;
  float16: Uint16Array;
  bfloat16: Uint16Array;
  float64: Float64Array;
  int64: BigInt64Array;
  int32: Int32Array;
  int8: Int8Array;
  uint8: Uint8Array;
  bool: Uint8Array;
}

/** A dense tensor in memory, row-major. */
export type Tensor<T extends DType = DType> = {
  [K in T]: { readonly dtype: K; readonly dims: readonly number[]; readonly data: ElementArray[K] };
}[T];

/** The number of elements: the product of the dimensions. */
export function sizeOf(dims: readonly number[]): number {
  return dims.reduce((product, dim) => product * dim, 1);
}

/** Makes a float32 tensor from numbers. */
export function floatTensor(
  dims: readonly number[],
  data: Float32Array | readonly number[],
): Tensor<"float32"> {
  return { dtype: "float32", dims, data: data instanceof Float32Array ? data : Float32Array.from(data) };
}

/** Makes an int64 tensor, ONNX's type of indices and shapes. */
export function int64Tensor(dims: readonly number[], data: readonly number[]): Tensor<"int64"> {
  return { dtype: "int64", dims, data: BigInt64Array.from(data, BigInt) };
}
