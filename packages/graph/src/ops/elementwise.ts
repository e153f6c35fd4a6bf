// Shape rules of elementwise operations. Two inputs broadcast as in numpy and ONNX.
import { must } from "@blip-ts/base";
import { GraphError } from "../errors.ts";
import type { ValueType } from "../graph.ts";
import { formatShape, sameDim, type Dim, type Shape } from "../types/dim.ts";
import { expectCount, expectFloat, expectSameDType, inputAt, type ShapeRule } from "./rule.ts";

/** The dimension at an axis. An axis before the first has size 1. */
const dimFrom = (shape: Shape, axis: number): Dim => (axis < 0 ? 1 : must(shape, axis));

/** The shape of two operands after broadcasting: dimensions are equal, or 1 on one side. */
export function broadcastShapes(a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis): Dim => {
    const x = dimFrom(a, axis - rank + a.length);
    const y = dimFrom(b, axis - rank + b.length);
    if (sameDim(x, y) || y === 1) return x;
    if (x === 1) return y;
    throw new GraphError(`${formatShape(a)} and ${formatShape(b)} do not broadcast`);
  });
}

const binary = (inputs: readonly ValueType[]): ValueType => {
  expectCount(inputs, 2);
  expectSameDType(inputs);
  const [a, b] = [inputAt(inputs, 0), inputAt(inputs, 1)];
  return { dtype: a.dtype, shape: broadcastShapes(a.shape, b.shape) };
};

const unaryFloat = (inputs: readonly ValueType[]): ValueType => {
  expectCount(inputs, 1);
  const x = inputAt(inputs, 0);
  expectFloat(x, "input");
  return { dtype: x.dtype, shape: x.shape };
};

export const add: ShapeRule<"add"> = binary;
export const subtract: ShapeRule<"subtract"> = binary;
export const multiply: ShapeRule<"multiply"> = binary;
export const divide: ShapeRule<"divide"> = binary;
export const gelu: ShapeRule<"gelu"> = unaryFloat;
export const relu: ShapeRule<"relu"> = unaryFloat;
export const tanh: ShapeRule<"tanh"> = unaryFloat;
export const exp: ShapeRule<"exp"> = unaryFloat;
export const erf: ShapeRule<"erf"> = unaryFloat;
export const sqrt: ShapeRule<"sqrt"> = unaryFloat;
/** 1 if x > 0, otherwise 0. */
export const positive: ShapeRule<"positive"> = unaryFloat;
/** x itself; no gradient flows through it. */
export const detach: ShapeRule<"detach"> = unaryFloat;
export const cast: ShapeRule<"cast"> = (inputs, { to }) => {
  expectCount(inputs, 1);
  return { dtype: to, shape: inputAt(inputs, 0).shape };
};
