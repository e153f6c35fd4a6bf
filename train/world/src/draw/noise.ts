// One texture of soft noise. Each painting reads it from a different position.
import { missed } from "@blip-ts/base";
import { Random } from "../random.ts";

const side = 256;
const mask = side - 1;

/** A periodic texture with values of -1 to 1. Each octave is twice as strong as the next finer one. */
function made(): Float32Array {
  const random = new Random("noise");
  const sum = new Float32Array(side * side);
  for (const cell of [32, 16, 8, 4, 2]) {
    const count = side / cell;
    const corners = Float32Array.from({ length: count * count }, () => random.between(-1, 1));
    const corner = (x: number, y: number) => corners[(y % count) * count + (x % count)] ?? missed("corner");
    const weight = cell / 64;
    for (let y = 0; y < side; y++)
      for (let x = 0; x < side; x++) {
        const [column, row] = [Math.floor(x / cell), Math.floor(y / cell)];
        const [u, v] = [x / cell - column, y / cell - row];
        const above = corner(column, row) * (1 - u) + corner(column + 1, row) * u;
        const below = corner(column, row + 1) * (1 - u) + corner(column + 1, row + 1) * u;
        sum[y * side + x] = (sum[y * side + x] ?? missed("value")) + weight * (above * (1 - v) + below * v);
      }
  }
  return sum;
}

let texture: Float32Array | undefined;

/** A reader of the texture from a random position. @returns values of about -1 to 1 */
export function noise(random: Random): (x: number, y: number) => number {
  const values = (texture ??= made());
  const [left, top] = [random.below(side), random.below(side)];
  return (x, y) =>
    values[((top + Math.floor(y)) & mask) * side + ((left + Math.floor(x)) & mask)] ?? missed("value");
}
