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

export function exitCodeOf(error: unknown): number {
  if (error instanceof ModelError) return exitCodes.model;
  if (error instanceof BlipError) return exitCodes.usage;
  return exitCodes.failed;
}
