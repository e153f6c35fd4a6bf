// The state of a run besides its weights. It is saved with each training state.
import type { TrainingPosition } from "../data/batch.ts";
import type { Json } from "../checkpoint/state.ts";
import { validationOf, type Validation } from "./validation.ts";

export interface Progress {
  /** The position of the next batch; undefined at the beginning. */
  readonly position: TrainingPosition | undefined;
  /** The current epoch. */
  readonly epoch: number;
  /** The sum of the losses of this epoch's steps so far. */
  readonly lossSum: number;
  readonly lossCount: number;
  /** The validation of the best weights. */
  readonly best: Validation | undefined;
  /** The number of validations since the best validation. */
  readonly stale: number;
  /** The number of completed steps at the last validation. */
  readonly validated: number;
}

export const atBeginning: Progress = {
  ...{ position: undefined, epoch: 0, lossSum: 0, lossCount: 0, best: undefined, stale: 0 },
  validated: 0,
};

export const progressJson = (progress: Progress): Json => {
  const { position, best, ...rest } = progress;
  const place = position === undefined ? null : { ...position };
  const bestJson = best ? { loss: best.loss, metrics: { ...best.metrics } } : null;
  return { ...rest, position: place, best: bestJson };
};

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Parses the progress in a state's file. The data checks the position. @returns undefined if it is not progress */
export function progressOf(json: unknown): Progress | undefined {
  if (!isRecord(json)) return undefined;
  const { epoch, lossSum, lossCount, stale, validated } = json;
  if (typeof epoch !== "number" || typeof lossSum !== "number") return undefined;
  if (typeof lossCount !== "number" || typeof stale !== "number") return undefined;
  if (typeof validated !== "number") return undefined;
  const position = isRecord(json.position) ? (json.position as unknown as TrainingPosition) : undefined;
  return { position, epoch, lossSum, lossCount, best: validationOf(json.best), stale, validated };
}
