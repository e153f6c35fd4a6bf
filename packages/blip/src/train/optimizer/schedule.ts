// The learning rate per step, as in BLIP's utils.py (`cosine_lr_schedule`, `step_lr_schedule`,
// `warmup_lr_schedule`).
import { badSchedule } from "./errors.ts";

/** A linear increase to the schedule's rate over the first steps. */
export interface WarmUp {
  readonly steps: number;
  /** The rate of step 0. */
  readonly from: number;
}

interface Common {
  /** The highest learning rate. */
  readonly lr: number;
  readonly warmUp?: WarmUp | undefined;
}

export type Schedule = Common &
  (
    | { readonly kind: "constant" }
    | {
        /** Half a cosine from lr to min over all epochs, for fine-tuning. */
        readonly kind: "cosine";
        readonly min: number;
        readonly epochs: number;
        /** Whether the rate changes per epoch, as in BLIP (the last epoch stays above min), or per step. */
        readonly per?: "epoch" | "step" | undefined;
      }
    | {
        /** lr * rate ^ epoch, but at least min, for pre-training (with rate 0.9). */
        readonly kind: "step";
        readonly min: number;
        readonly rate: number;
      }
  );

/** @throws {UsageError} `train/schedule` */
export function checkSchedule(schedule: Schedule): void {
  const numbers: [string, number, boolean, string][] = [
    ["lr", schedule.lr, schedule.lr >= 0, "a finite number of at least 0"],
  ];
  if (schedule.warmUp) {
    const { steps, from } = schedule.warmUp;
    numbers.push(["warmUp.steps", steps, Number.isSafeInteger(steps) && steps >= 0, "a whole number from 0"]);
    numbers.push(["warmUp.from", from, from >= 0, "a finite number of at least 0"]);
  }
  if (schedule.kind !== "constant")
    numbers.push(["min", schedule.min, schedule.min >= 0, "a finite number of at least 0"]);
  if (schedule.kind === "cosine")
    numbers.push(["epochs", schedule.epochs, schedule.epochs > 0, "a number above 0"]);
  if (schedule.kind === "step") numbers.push(["rate", schedule.rate, schedule.rate > 0, "a number above 0"]);
  for (const [name, value, isRight, expected] of numbers)
    if (!Number.isFinite(value) || !isRight) throw badSchedule(name, expected, value);
}

function scheduled(schedule: Schedule, epoch: number, progress: number): number {
  switch (schedule.kind) {
    case "constant":
      return schedule.lr;
    case "cosine": {
      const { lr, min, epochs, per = "epoch" } = schedule;
      const done = Math.min((per === "epoch" ? epoch : progress) / epochs, 1);
      return ((lr - min) * (1 + Math.cos(Math.PI * done))) / 2 + min;
    }
    case "step":
      return Math.max(schedule.min, schedule.lr * schedule.rate ** epoch);
  }
}

/**
 * The learning rate of a step. The warm-up continues to its last step, even in a later epoch. BLIP's warm-up ends with
 * the first epoch, which is the same if the first epoch is long enough.
 * @param step the number of the update, from 0
 * @param stepsPerEpoch the number of updates per epoch
 */
export function learningRate(schedule: Schedule, step: number, stepsPerEpoch: number): number {
  const progress = step / stepsPerEpoch;
  const rate = scheduled(schedule, Math.floor(progress), progress);
  const { warmUp, lr } = schedule;
  if (!warmUp || step >= warmUp.steps) return rate;
  return Math.min(rate, warmUp.from + ((lr - warmUp.from) * step) / Math.max(warmUp.steps, 1));
}
