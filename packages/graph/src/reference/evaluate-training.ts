// Reference evaluators of the operations that only training uses: losses, sums, and the reverse of look-ups.
import { missed } from "@blip-ts/base";
import { argument, at, byRow, position, type Evaluator } from "./numbers.ts";

/** 1 / sqrt(variance + epsilon) of each row. */
export const rowInverseStd: Evaluator<"rowInverseStd"> = (inputs, node) => {
  const { data, dims } = argument(inputs, 0);
  const width = dims.at(-1) ?? 1;
  return Float64Array.from({ length: data.length / width }, (_, index) => {
    const row = data.subarray(index * width, (index + 1) * width);
    const mean = row.reduce((a, b) => a + b, 0) / width;
    const variance = row.reduce((sum, x) => sum + (x - mean) ** 2, 0) / width;
    return 1 / Math.sqrt(variance + node.attributes.epsilon);
  });
};

export const sum: Evaluator<"sum"> = (inputs, node, dims) => {
  const x = argument(inputs, 0);
  const { axes } = node.attributes;
  const keptDims = x.dims.map((dim, axis) => (axes.includes(axis) ? 1 : dim));
  const result = new Float64Array(dims.reduce((a, b) => a * b, 1));
  const coordinates = x.dims.map(() => 0);
  x.data.forEach((value) => {
    const index = position(coordinates, keptDims);
    result[index] = at(result, index) + value;
    // Advance the coordinates in row-major order.
    for (let axis = x.dims.length - 1; axis >= 0; axis--) {
      const next = (coordinates[axis] ?? missed("axis")) + 1;
      coordinates[axis] = next < (x.dims[axis] ?? missed("axis")) ? next : 0;
      if (coordinates[axis] !== 0) break;
    }
  });
  return result;
};

export const crossEntropy: Evaluator<"crossEntropy"> = (inputs, node) => {
  const [x, labels] = [argument(inputs, 0), argument(inputs, 1)];
  const { smoothing } = node.attributes;
  const width = x.dims.at(-1) ?? 1;
  const surprise = byRow((row) => {
    const highest = row.reduce((a, b) => Math.max(a, b), -Infinity);
    const total = Math.log(row.reduce((sum, one) => sum + Math.exp(one - highest), 0));
    return row.map((one) => total + highest - one);
  })(x);
  return labels.data.map((label, index) => {
    const row = surprise.subarray(index * width, (index + 1) * width);
    return (1 - smoothing) * at(row, label) + (smoothing * row.reduce((a, b) => a + b, 0)) / width;
  });
};

export const addAlongLast: Evaluator<"addAlongLast"> = (inputs) => {
  const [x, ids, values] = [argument(inputs, 0), argument(inputs, 1), argument(inputs, 2)];
  const width = x.dims.at(-1) ?? 1;
  const result = x.data.slice();
  ids.data.forEach((id, row) => {
    result[row * width + id] = at(result, row * width + id) + at(values.data, row);
  });
  return result;
};

export const scatterAdd: Evaluator<"scatterAdd"> = (inputs, _node, dims) => {
  const [ids, rows] = [argument(inputs, 0), argument(inputs, 1)];
  const width = dims.slice(1).reduce((a, b) => a * b, 1);
  const result = new Float64Array(dims.reduce((a, b) => a * b, 1));
  ids.data.forEach((id, row) => {
    for (let k = 0; k < width; k++)
      result[id * width + k] = at(result, id * width + k) + at(rows.data, row * width + k);
  });
  return result;
};
