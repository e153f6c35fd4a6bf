// The numbers that training changes: weights, gradients and moments as views into WebAssembly memory, so that the
// engine and the kernel work on them in place.
import { must } from "@blip-ts/base";
import type { AdamStep } from "./kernel/adam.ts";
import { kernelOver, type Kernel } from "./kernel/kernel.ts";
import { outOfMemory, unknownParameter, wrongLength } from "./errors.ts";
import {
  placeParameters,
  type Parameter,
  type ParameterArray,
  type Place,
  type PlaceOptions,
} from "./places.ts";

/** The settings of one update. */
export interface UpdateSettings extends Pick<AdamStep, "beta1" | "beta2" | "eps" | "step"> {
  /** The settings of each group, by its number. */
  readonly groups: readonly { readonly lr: number; readonly decay: number }[];
  /** The largest norm of all gradients together (torch's clip_grad_norm_). Without it, the norm is only measured. */
  readonly clip?: number | undefined;
  /** The gradients to use: those of the last run, or the sum. */
  readonly from: "gradient" | "sum";
}

export interface Updated {
  /** The norm of all gradients before clipping. */
  readonly norm: number;
  /** False if the norm is not finite. Then nothing was changed. */
  readonly applied: boolean;
}

interface BankMemory {
  readonly memory: WebAssembly.Memory;
  readonly kernel: Kernel;
}

const page = 65536;
/** As in torch: a norm just below the limit is not scaled up. */
const clipEpsilon = 1e-6;

function allocate(bytes: number, whole: number): BankMemory {
  const pages = Math.max(Math.ceil(bytes / page), 1);
  try {
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    return { memory, kernel: kernelOver(memory) };
  } catch (error) {
    if (error instanceof RangeError) throw outOfMemory(whole, error);
    throw error;
  }
}

export class TrainingMemory {
  /** The total size of all memories. */
  readonly bytes: number;
  readonly #places: ReturnType<typeof placeParameters>;
  readonly #banks: readonly BankMemory[];

  /**
   * Allocates the memories. All numbers start at 0.
   * @throws {UsageError} `train/parameter-size` @throws {ModelError} `train/memory`
   */
  constructor(parameters: readonly Parameter[], options: PlaceOptions = {}) {
    this.#places = placeParameters(parameters, options);
    this.bytes = this.#places.banks.reduce((sum, { bytes }) => sum + bytes, 0);
    this.#banks = this.#places.banks.map(({ bytes }) => allocate(bytes, this.bytes));
  }

  /** @throws {UsageError} `train/parameter` */
  place(name: string): Place {
    const place = this.#places.of.get(name);
    if (!place) throw unknownParameter(name);
    return place;
  }

  /** A view of a parameter's array. @throws {UsageError} `train/parameter`, also if the parameter lacks this array */
  view(name: string, array: ParameterArray): Float32Array<ArrayBuffer> {
    const place = this.place(name);
    const start = this.#startOf(place, array);
    if (start === undefined) throw unknownParameter(`${name} (${array})`);
    return new Float32Array(must(this.#banks, place.bank).memory.buffer, start * 4, place.length);
  }

  #startOf({ bank, start, within }: Place, array: ParameterArray): number | undefined {
    if (array === "weight") return start;
    const { block, blocks } = must(this.#places.banks, bank);
    const number = { gradient: 1, first: 2, second: 3, sum: 4 }[array];
    return within === undefined || number >= blocks ? undefined : number * block + within;
  }

  /** @throws {UsageError} `train/parameter`, `train/length` */
  write(name: string, array: ParameterArray, values: Float32Array): void {
    const view = this.view(name, array);
    if (view.length !== values.length) throw wrongLength(name, view.length, values.length);
    view.set(values);
  }

  /**
   * Adds rows to a gradient, in order. A repeated id adds again, so the roundings are always the same.
   * @param ids [...] @param rows [..., D]
   */
  addRows(name: string, ids: BigInt64Array, rows: Float32Array): void {
    const gradient = this.view(name, "gradient");
    const width = ids.length === 0 ? 0 : rows.length / ids.length;
    for (let row = 0; row < ids.length; row++) {
      const to = gradient.subarray(Number(ids[row]) * width, (Number(ids[row]) + 1) * width);
      const from = rows.subarray(row * width, (row + 1) * width);
      for (let column = 0; column < width; column++)
        to[column] = must(to, column, "a row") + must(from, column, "a row");
    }
  }

  /** Sets the sums to `share` times the gradients if `first` is true; otherwise adds to them. */
  accumulate(share: number, first: boolean): void {
    this.#places.banks.forEach(({ block }, index) => {
      const { kernel } = must(this.#banks, index);
      if (first) kernel.scaled(4 * block, block, block, share);
      else kernel.blend(4 * block, block, block, 1, share);
    });
  }

  /** Updates the followers: momentum * follower + (1 - momentum) * followed parameter. */
  follow(momentum: number): void {
    for (const { parameter, bank, start, length } of this.#places.of.values()) {
      if (parameter.role.kind !== "follower") continue;
      const { kernel } = must(this.#banks, bank);
      const followed = this.place(parameter.role.of);
      kernel.blend(start, followed.start, Math.ceil(length / 4) * 4, momentum, 1 - momentum);
    }
  }

  /** Clips the gradients, and updates every trained parameter with its group's settings. */
  update({ groups, clip, from, step, beta1, beta2, eps }: UpdateSettings): Updated {
    const source = from === "gradient" ? 1 : 4;
    const squares = this.#places.banks.map(({ block }, index) =>
      must(this.#banks, index).kernel.squares(source * block, block),
    );
    const norm = Math.sqrt(squares.reduce((sum, square) => sum + square, 0));
    if (!Number.isFinite(norm)) return { norm, applied: false };
    const scale = clip === undefined ? 1 : Math.min(1, clip / (norm + clipEpsilon));
    this.#places.banks.forEach(({ block, runs }, index) => {
      const { kernel } = must(this.#banks, index);
      for (const { group, start, end } of runs) {
        const at = (number: number) => number * block + start;
        const { lr, decay } = must(groups, group, "groups of parameters");
        const update = { lr, decay, beta1, beta2, eps, step, scale };
        kernel.adamw(at(0), at(source), at(2), at(3), end - start, update);
      }
    });
    return { norm, applied: true };
  }
}
