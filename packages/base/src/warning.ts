// What the caller should know and may ignore.
import type { BlipErrorCode, WarningCode } from "./codes.ts";

/** Something that the caller should know and may ignore. */
export interface Warning {
  /** Listed in docs/errors.md. An inspection also lists what is wrong with a file, by the code of the error. */
  readonly code: WarningCode | BlipErrorCode;
  /** One line for people. */
  readonly message: string;
}
