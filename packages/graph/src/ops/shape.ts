// Shape rules of operations that move elements without changing them.
import { must } from "@blip-ts/base";
import { GraphError } from "../errors.ts";
import { addDims, formatDim, formatShape, multiplyDims, productOf, sameDim, type Dim } from "../types/dim.ts";
import {
  dimAt,
  expectCount,
  expectDim,
  expectRank,
  expectSameDType,
  inputAt,
  type ShapeRule,
} from "./rule.ts";

export const reshape: ShapeRule<"reshape"> = (inputs, { shape }) => {
  expectCount(inputs, 1);
  const x = inputAt(inputs, 0);
  if (!sameDim(productOf(x.shape), productOf(shape)))
    throw new GraphError(`${formatShape(x.shape)} does not have as many elements as ${formatShape(shape)}`);
  return { dtype: x.dtype, shape };
};

export const transpose: ShapeRule<"transpose"> = (inputs, { permutation }) => {
  expectCount(inputs, 1);
  const x = inputAt(inputs, 0);
  const axes = [...permutation].sort((a, b) => a - b);
  if (axes.length !== x.shape.length || axes.some((axis, index) => axis !== index))
    throw new GraphError(
      `[${permutation.join(", ")}] is not a permutation of the axes of ${formatShape(x.shape)}`,
    );
  return { dtype: x.dtype, shape: permutation.map((axis) => dimAt(x, axis)) };
};

const isBelow = (dim: Dim, least: number) => typeof dim === "number" && dim < least;

/** The elements start to end - 1 along one axis. Named bounds are assumed to lie within it. */
export const slice: ShapeRule<"slice"> = (inputs, { axis, start, end }) => {
  expectCount(inputs, 1);
  const x = inputAt(inputs, 0);
  const size = dimAt(x, axis);
  const length = addDims(end, multiplyDims(start, -1));
  if (
    isBelow(start, 0) ||
    isBelow(length, 1) ||
    (typeof size === "number" && typeof end === "number" && end > size)
  )
    throw new GraphError(
      `${formatDim(start)}:${formatDim(end)} is not a range of axis ${axis} of ${formatShape(x.shape)}`,
    );
  return { dtype: x.dtype, shape: x.shape.map((dim, index) => (index === axis ? length : dim)) };
};

export const concat: ShapeRule<"concat"> = (inputs, { axis }) => {
  expectSameDType(inputs);
  const first = inputAt(inputs, 0);
  for (const other of inputs.slice(1)) {
    expectRank(other, first.shape.length, formatShape(other.shape));
    first.shape.forEach((dim, index) => {
      if (index !== axis) expectDim(dimAt(other, index), dim, `axis ${index} of ${formatShape(other.shape)}`);
    });
  }
  const sum = inputs.map((input) => dimAt(input, axis)).reduce<Dim>(addDims, 0);
  return { dtype: first.dtype, shape: first.shape.map((dim, index) => (index === axis ? sum : dim)) };
};

/** Repeats x along its axes of size 1. */
export const expand: ShapeRule<"expand"> = (inputs, { shape }) => {
  expectCount(inputs, 1);
  const x = inputAt(inputs, 0);
  if (x.shape.length !== shape.length)
    throw new GraphError(`${formatShape(x.shape)} and ${formatShape(shape)} differ in rank`);
  x.shape.forEach((dim, axis) => {
    if (dim !== 1) expectDim(dim, must(shape, axis), `axis ${axis}`);
  });
  return { dtype: x.dtype, shape };
};

/**
 * x itself for a second computation. Nodes that read it are never merged with nodes that read x. With a second input,
 * the output is not available before that input is.
 */
export const barrier: ShapeRule<"barrier"> = (inputs) => {
  expectCount(inputs, 1, 2);
  expectSameDType(inputs);
  const x = inputAt(inputs, 0);
  if (inputs.length === 2) {
    dimAt(x, 0);
    dimAt(inputAt(inputs, 1), 0);
  }
  return { dtype: x.dtype, shape: x.shape };
};
