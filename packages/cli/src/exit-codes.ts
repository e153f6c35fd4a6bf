// The command's exit codes.
import { BlipError, ModelError } from "blip-ts";

export const exitCodes = {
  done: 0,
  /** At least one row failed, or an unexpected error occurred. */
  failed: 1,
  /** The call is invalid. */
  usage: 2,
  /** The model cannot be loaded, or cannot do the task. */
  model: 3,
  interrupted: 130,
} as const;

/** Whether the model's outputs are not finite. */
export const isNotFinite = (error: unknown): error is ModelError =>
  error instanceof ModelError && error.code === "model/not-finite";

export function exitCodeOf(error: unknown): number {
  // The model was loaded and ran; its output is unusable, as in a failed row.
  if (isNotFinite(error)) return exitCodes.failed;
  if (error instanceof ModelError) return exitCodes.model;
  if (error instanceof BlipError) return exitCodes.usage;
  return exitCodes.failed;
}
