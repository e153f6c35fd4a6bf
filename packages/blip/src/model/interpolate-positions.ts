// Interpolates position embeddings to a grid of another size, like torch's bicubic without antialiasing
// (models/vit.py `interpolate_pos_embed`; transformers `interpolate_pos_encoding`). The interpolation is linear in the
// table, so it is a product with a constant matrix.
import { must } from "@blip-ts/base";
import { floatTensor, type GraphBuilder, type Value } from "@blip-ts/graph";

/** torch's cubic coefficient. Pillow resizes images with the coefficient -0.5. */
const a = -0.75;

function cubic(distance: number): number {
  const x = Math.abs(distance);
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

/** Returns weights [to][from] of bicubic interpolation along an axis, with align_corners false and repeated edges. */
export function bicubicWeights(from: number, to: number): number[][] {
  const scale = from / to;
  return Array.from({ length: to }, (_, index) => {
    const center = (index + 0.5) * scale - 0.5;
    const floor = Math.floor(center);
    const row = new Array<number>(from).fill(0);
    for (let tap = floor - 1; tap <= floor + 2; tap++) {
      const source = Math.min(Math.max(tap, 0), from - 1);
      row[source] = must(row, source) + cubic(center - tap);
    }
    return row;
  });
}

/** Interpolates table [1, 1 + side^2, D] -> [1, 1 + rows * columns, D]. The class token's position is unchanged. */
export function interpolatePositions(
  b: GraphBuilder,
  table: Value,
  side: number,
  rows: number,
  columns: number,
): Value {
  const [, N, D] = b.dims(table, "1 N D");
  const [vertical, horizontal] = [bicubicWeights(side, rows), bicubicWeights(side, columns)];
  const matrix = vertical.flatMap((down) =>
    horizontal.flatMap((across) => down.flatMap((y) => across.map((x) => y * x))),
  );
  const weights = b.constant(floatTensor([rows * columns, side * side], matrix));
  const grid = b.reshape(b.slice(table, 1, 1, Number(N)), [side * side, D]);
  const resized = b.reshape(b.matmul(weights, grid), [1, rows * columns, D]);
  return b.concat([b.slice(table, 1, 0, 1), resized], 1);
}
