// The base classes of the packages' errors. Each package makes its errors in factories, one per failure
// (`checkpoint/errors.ts`, `image/errors.ts`, ...). A message has the form: where, expected, got, what to do.
import type { BlipErrorCode } from "./codes.ts";
import { legible } from "./legible.ts";

/** Details of a failure as plain data: paths, tensor names, numbers. */
export type ErrorFields = Readonly<Record<string, unknown>>;

/**
 * The base class of all errors that the packages throw deliberately. `code` is stable; the message is for people. A
 * message is always one line: control characters in foreign text (file names, texts, servers' answers) are escaped.
 */
export abstract class BlipError extends Error {
  /** One of the codes that docs/errors.md lists. */
  readonly code: BlipErrorCode;
  /** The values in the message, as data. */
  readonly fields: ErrorFields;

  constructor(code: BlipErrorCode, message: string, fields: ErrorFields = {}, options?: ErrorOptions) {
    super(legible(message), options);
    this.name = new.target.name;
    this.code = code;
    this.fields = fields;
  }
}

/** The model cannot be found, fetched or read, or does not support this task. */
export class ModelError extends BlipError {}

/** An image or a text cannot be used. */
export class InputError extends BlipError {}

/** An option or an argument is wrong. */
export class UsageError extends BlipError {}

/** An error as plain data, as it passes between threads and processes. */
export interface PlainError {
  readonly type: "model" | "input" | "usage";
  readonly code: BlipErrorCode;
  readonly message: string;
  readonly fields?: ErrorFields | undefined;
}

const classes = { model: ModelError, input: InputError, usage: UsageError };

/** Restores an error from plain data. */
export const revivedError = (
  { type, code, message, fields }: PlainError,
  options?: ErrorOptions,
): BlipError => new classes[type](code, message, fields, options);

/** An error as plain data for other threads and processes. Its fields pass through JSON. */
export const plainError = (error: BlipError): PlainError => ({
  type: error instanceof UsageError ? "usage" : error instanceof InputError ? "input" : "model",
  code: error.code,
  message: error.message,
  fields: JSON.parse(JSON.stringify(error.fields)) as ErrorFields,
});

/**
 * An option or an argument has an invalid value.
 * @remedy Give one of the values that the message lists.
 */
export const badOption = (name: string, value: unknown, valid: readonly string[]): UsageError =>
  new UsageError("usage/bad-option", `${name}: expected ${valid.join(" or ")}, got ${String(value)}`, {
    name,
    found: value,
    valid,
  });

/**
 * A call got an option that it does not have. A misspelt option would otherwise do nothing.
 * @remedy Correct the name; the message has the nearest known one, or all of them.
 */
export const unknownOption = (
  call: string,
  option: string,
  shown: string,
  nearest: string | undefined,
  known: readonly string[],
): UsageError => {
  const advice =
    nearest === undefined ? `It takes ${known.join(", ") || "no options"}.` : `Did you mean "${nearest}"?`;
  return new UsageError(
    "usage/unknown-option",
    `${call}: expected options that it takes, got ${shown}. ${advice}`,
    { call, option, nearest, known },
  );
};
