// Warnings: conditions that the caller should know about and may ignore.
import type { BlipErrorCode, WarningCode } from "./codes.ts";

/** A condition that the caller should know about and may ignore. */
export interface Warning {
  /** A code from docs/errors.md. An inspection also reports problems of a file under the code of the matching error. */
  readonly code: WarningCode | BlipErrorCode;
  /** One line for people. */
  readonly message: string;
}
