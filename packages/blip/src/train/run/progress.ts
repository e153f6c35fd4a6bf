// What a run remembers from step to step beside its numbers: it is saved with each state.
import type { TrainingPosition } from "../data/batch.ts";
import type { Json } from "../checkpoint/state.ts";
import { validationOf, type Validation } from "./validation.ts";

export interface Progress {
  /** Where the next batch begins; undefined at the beginning. */
  readonly position: TrainingPosition | undefined;
  /** The epoch that is under way. */
  readonly epoch: number;
  /** Of this epoch's steps so far. */
  readonly lossSum: number;
  readonly lossCount: number;
  /** What validation said of the best weights. */
  readonly best: Validation | undefined;
  /** Validations since. */
  readonly stale: number;
  /** Steps that were made at the last validation. */
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

/** From a state's file. The data checks the position. @returns undefined if it is of another kind */
export function progressOf(json: unknown): Progress | undefined {
  if (!isRecord(json)) return undefined;
  const { epoch, lossSum, lossCount, stale, validated } = json;
  if (typeof epoch !== "number" || typeof lossSum !== "number") return undefined;
  if (typeof lossCount !== "number" || typeof stale !== "number") return undefined;
  if (typeof validated !== "number") return undefined;
  const position = isRecord(json.position) ? (json.position as unknown as TrainingPosition) : undefined;
  return { position, epoch, lossSum, lossCount, best: validationOf(json.best), stale, validated };
}
