// What every other package stands on.
export { BlipError, type ErrorFields, InputError, ModelError, UsageError } from "./errors.ts";
