// What a script can tell from the command's exit.
import { BlipError, ModelError } from "blip-ts";

export const exitCodes = {
  done: 0,
  /** At least one row failed, or something that was not foreseen. */
  failed: 1,
  /** The call is wrong. */
  usage: 2,
  /** The model cannot be loaded, or cannot do the task. */
  model: 3,
  interrupted: 130,
} as const;

/** Did the model give numbers that are not finite? */
export const isNotFinite = (error: unknown): error is ModelError =>
  error instanceof ModelError && error.code === "model/not-finite";

export function exitCodeOf(error: unknown): number {
  // The model was loaded and did its task: what it said is no answer, as in a row that failed.
  if (isNotFinite(error)) return exitCodes.failed;
  if (error instanceof ModelError) return exitCodes.model;
  if (error instanceof BlipError) return exitCodes.usage;
  return exitCodes.failed;
}
