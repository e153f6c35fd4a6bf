// The family of errors, as the rooms of this package import it.
export { BlipError, type ErrorFields, InputError, ModelError, UsageError } from "@blip-ts/base";
