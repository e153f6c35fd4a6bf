// `npm run world -- positions`: adds sine-cosine positions to a model's position embeddings. The image encoder then knows
// a patch's row and column from the first step on, and keeps both up to its final states.
import type { Command } from "commander";
import { atLeast, must } from "@blip-ts/base";
import { elementCount, floatRows, type MadeTensor, type StoredTensor } from "@blip-ts/checkpoint";
import { copyModel } from "./copy-model.ts";
import { noPositions } from "./errors.ts";
import { Random } from "./random.ts";
import { within } from "./work/within.ts";

const name = "visual_encoder.pos_embed";
/** The longest wave has this many times the length of the shortest one. */
const base = 100;

/** The root mean squares of what is added for rows and for columns. */
export interface PositionSizes {
  readonly rows: number;
  readonly columns: number;
}

/** Returns sines and cosines of the places 0 to side - 1, without their mean: [side][count]. */
function waves(side: number, count: number): readonly Float64Array[] {
  const half = count / 2;
  const rows = Array.from({ length: side }, (_, place) =>
    Float64Array.from({ length: count }, (__, index) => {
      const angle = place / base ** ((index % half) / half);
      return index < half ? Math.sin(angle) : Math.cos(angle);
    }),
  );
  const means = Array.from(
    { length: count },
    (_, index) => rows.reduce((sum, row) => sum + must(row, index), 0) / side,
  );
  return rows.map((row) => row.map((value, index) => value - must(means, index)));
}

function scaled(rows: readonly Float64Array[], size: number): readonly Float64Array[] {
  const squares = rows.flatMap((row) => [...row]).map((value) => value ** 2);
  const now = Math.sqrt(squares.reduce((sum, value) => sum + value, 0) / squares.length);
  return rows.map((row) => row.map((value) => (value * size) / now));
}

/**
 * Returns what is added per patch and dimension: [side * side][width]. Half of the dimensions, in a fixed random order,
 * tell the row and the others the column, so that each attention head has both.
 * @param side patches per side @param width a multiple of 4
 */
export function positions(side: number, width: number, sizes: PositionSizes): readonly Float64Array[] {
  const axis = waves(side, width / 2);
  const [rows, columns] = [scaled(axis, sizes.rows), scaled(axis, sizes.columns)];
  const order = new Random("positions").shuffled(Array.from({ length: width }, (_, index) => index));
  return Array.from({ length: side * side }, (_, patch) => {
    const [row, column] = [Math.floor(patch / side), patch % side];
    const both = [...must(rows, row), ...must(columns, column)];
    return Float64Array.from(order, (index) => must(both, index));
  });
}

/** Copies a model's folder, with positions added to `visual_encoder.pos_embed`. @throws {WorldError} `world/no-positions` */
export async function addPositions(model: string, out: string, sizes: PositionSizes): Promise<void> {
  await copyModel(model, out, (tensors) => {
    const tensor = tensors.get(name);
    if (tensor === undefined) throw noPositions(model, "no such tensor");
    return new Map<string, MadeTensor | StoredTensor>(tensors).set(name, withPositions(model, tensor, sizes));
  });
}

/** @param tensor the class token's position and the patches', [1, 1 + side * side, width] */
function withPositions(model: string, tensor: StoredTensor, sizes: PositionSizes): MadeTensor {
  const refuse = () => noPositions(model, `[${tensor.shape.join(", ")}]`);
  if (tensor.shape.length !== 3) throw refuse();
  const [, places, width] = atLeast(tensor.shape, 3);
  const side = Math.sqrt(places - 1);
  if (!Number.isInteger(side) || side < 2 || width % 4 !== 0) throw refuse();
  const added = positions(side, width, sizes);
  return {
    dtype: "float32",
    shape: tensor.shape,
    byteLength: 4 * (elementCount(tensor.shape) ?? 0),
    async *bytes() {
      let at = 0;
      for await (const rows of floatRows(tensor)) {
        const sums = Float32Array.from(rows, (value, index) => {
          const [token, dimension] = [Math.floor((at + index) / width), (at + index) % width];
          return token === 0 ? value : value + must(must(added, token - 1), dimension);
        });
        at += rows.length;
        yield new Uint8Array(sums.buffer);
      }
    },
  };
}

const size = (flag: string) =>
  within(flag, "a number above 0, at most 10", (value) => value > 0 && value <= 10);

export function addPositionsCommand(program: Command): void {
  program
    .command("positions")
    .description("copy a model with sine-cosine positions added to its image encoder's position embeddings")
    .argument("<model>", "the folder of a model")
    .argument("<out>", "a folder")
    .option("--rows <X>", "root mean square of the rows' part", size("--rows"), 0.42)
    .option("--columns <X>", "root mean square of the columns' part", size("--columns"), 0.85)
    .action((model: string, out: string, sizes: PositionSizes) => addPositions(model, out, sizes));
}
