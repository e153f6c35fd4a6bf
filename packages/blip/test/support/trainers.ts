// Trainers of the tiny captioner, and the difference between weights.
import type { MadeTensor } from "@blip-ts/checkpoint";
import { nodeTraining } from "../../src/platform/node/training-platform.ts";
import {
  createTrainer,
  type Trainer,
  type TrainerOptions,
  type TrainingPlatform,
} from "../../src/train/loop/trainer.ts";
import type { Captioner, Captions } from "./captioner.ts";

export const some = <T>(value: T | undefined): T => {
  if (value === undefined) throw new Error("nothing there");
  return value;
};

export type CaptionerOptions = Partial<TrainerOptions<Captions>>;

/** Creates a trainer with the oracle's settings. */
export function openTrainer(
  of: Captioner,
  options: CaptionerOptions = {},
  platform: TrainingPlatform = nodeTraining,
): Promise<Trainer<Captions>> {
  const { lr, decay, clip, momentum } = of.facts.settings;
  return createTrainer(platform, {
    objective: of.objective,
    weights: of.weights,
    optimizer: { schedule: { kind: "constant", lr }, decay, clip, momentum },
    stepsPerEpoch: 3,
    threads: 1,
    ...options,
  });
}

/** The oracle's batch for a step. */
export const batchOf = ({ batches }: Captioner, step: number): Captions =>
  some(batches[step % batches.length]);

export async function numbersOf(tensor: MadeTensor): Promise<Float32Array> {
  const numbers: number[] = [];
  for await (const piece of tensor.bytes()) numbers.push(...new Float32Array(piece.slice().buffer));
  return Float32Array.from(numbers);
}

export async function weightsOf(trainer: Trainer<Captions>): Promise<Map<string, Float32Array>> {
  const found = new Map<string, Float32Array>();
  for (const [name, tensor] of trainer.weights()) found.set(name, await numbersOf(tensor));
  return found;
}

/** The relative L2 difference over all weights for which `takes` is true. */
export function difference(
  found: ReadonlyMap<string, Float32Array>,
  expected: ReadonlyMap<string, Float32Array>,
  takes: (name: string) => boolean = () => true,
): number {
  let [squares, whole] = [0, 0];
  for (const [name, values] of expected) {
    if (!takes(name)) continue;
    const own = some(found.get(name));
    if (own.length !== values.length)
      throw new Error(`${name}: expected ${values.length} numbers, got ${own.length}`);
    values.forEach((value, index) => {
      squares += (some(own[index]) - value) ** 2;
      whole += value ** 2;
    });
  }
  return Math.sqrt(squares / whole);
}

/**
 * A key bias adds the same value for all keys: its true gradient is 0, and AdamW moves it by the sign of rounding
 * noise.
 */
export const isKeyBias = (name: string): boolean => name.endsWith(".key.bias");
