// Errors as they pass between processes.
import { BlipError, InputError, ModelError, UsageError } from "@blip-ts/base";
import type { PlainError } from "./messages.ts";

/** What structured clones carry: fields of errors are numbers and texts. */
const plainFields = (fields: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(
    Object.entries(fields).filter(([, value]) => ["number", "string"].includes(typeof value)),
  );

export function toPlain(error: unknown): PlainError {
  if (!(error instanceof BlipError))
    return {
      type: "other",
      code: "",
      message: error instanceof Error ? error.message : String(error),
      fields: {},
    };
  const { code, message, fields } = error;
  return {
    type: error instanceof UsageError ? "usage" : error instanceof ModelError ? "model" : "input",
    code,
    message,
    fields: plainFields(fields),
  };
}

export function fromPlain({ type, code, message, fields }: PlainError): Error {
  switch (type) {
    case "input":
      return new InputError(code, message, fields);
    case "model":
      return new ModelError(code, message, fields);
    case "usage":
      return new UsageError(code, message, fields);
    case "other":
      return new Error(message);
  }
}
