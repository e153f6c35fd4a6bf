// What every other package stands on.
export { asyncDispose, closedBy, closing, orClosed, type Closable } from "./closable.ts";
export { BlipError, type ErrorFields, InputError, ModelError, UsageError } from "./errors.ts";
