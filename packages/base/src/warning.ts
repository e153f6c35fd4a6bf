// What the caller should know and may ignore.

/** Something that the caller should know and may ignore. */
export interface Warning {
  readonly code: string;
  readonly message: string;
}
