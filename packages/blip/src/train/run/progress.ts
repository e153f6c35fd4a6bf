// What a run remembers from step to step beside its numbers: it is saved with each state.
import type { TrainingPosition } from "../data/batch.ts";
import type { Json } from "../checkpoint/state.ts";

export interface Progress {
  /** Where the next batch begins; undefined at the beginning. */
  readonly position: TrainingPosition | undefined;
  /** The epoch that is under way. */
  readonly epoch: number;
  /** Of this epoch's steps so far. */
  readonly lossSum: number;
  readonly lossCount: number;
  /** The lowest validation loss. */
  readonly best: number | undefined;
  /** Epochs since it. */
  readonly stale: number;
}

export const atBeginning: Progress = {
  ...{ position: undefined, epoch: 0, lossSum: 0, lossCount: 0, best: undefined, stale: 0 },
};

export const progressJson = (progress: Progress): Json => {
  const { position, epoch, lossSum, lossCount, best, stale } = progress;
  const place = position === undefined ? null : { ...position };
  return { position: place, epoch, lossSum, lossCount, best: best ?? null, stale };
};

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** From a state's file. The data checks the position. @returns undefined if it is of another kind */
export function progressOf(json: unknown): Progress | undefined {
  if (!isRecord(json)) return undefined;
  const { epoch, lossSum, lossCount, stale } = json;
  if (typeof epoch !== "number" || typeof lossSum !== "number") return undefined;
  if (typeof lossCount !== "number" || typeof stale !== "number") return undefined;
  const position = isRecord(json.position) ? (json.position as unknown as TrainingPosition) : undefined;
  const best = typeof json.best === "number" ? json.best : undefined;
  return { position, epoch, lossSum, lossCount, best, stale };
}
