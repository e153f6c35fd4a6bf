// The family of errors that the packages throw. Each makes them through one factory per failure
// (`checkpoint/errors.ts`, `image/errors.ts`, ...): message = where, expected, found, what to do.
import type { BlipErrorCode } from "./codes.ts";
import { legible } from "./legible.ts";

/** What failed, as plain data: paths, tensor names, numbers. */
export type ErrorFields = Readonly<Record<string, unknown>>;

/**
 * Base of all errors thrown on purpose. `code` is stable; the message is for people. What others wrote in it (names of
 * files, texts, answers of servers) is written out where a terminal would obey it: a message is always one line.
 */
export abstract class BlipError extends Error {
  /** What is wrong: one of the codes that docs/errors.md lists. */
  readonly code: BlipErrorCode;
  /** What the message names, as data. */
  readonly fields: ErrorFields;

  constructor(code: BlipErrorCode, message: string, fields: ErrorFields = {}, options?: ErrorOptions) {
    super(legible(message), options);
    this.name = new.target.name;
    this.code = code;
    this.fields = fields;
  }
}

/** The model cannot be found, fetched, read, or used for this task. */
export class ModelError extends BlipError {}

/** A picture or a text cannot be used. */
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

/** The error that plain data were made of. */
export const revivedError = (
  { type, code, message, fields }: PlainError,
  options?: ErrorOptions,
): BlipError => new classes[type](code, message, fields, options);

/** An error as it passes between threads and processes: fields that JSON knows. */
export const plainError = (error: BlipError): PlainError => ({
  type: error instanceof UsageError ? "usage" : error instanceof InputError ? "input" : "model",
  code: error.code,
  message: error.message,
  fields: JSON.parse(JSON.stringify(error.fields)) as ErrorFields,
});

/**
 * An option or an argument has a value that is not valid.
 * @remedy Give one of the values that the message lists.
 */
export const badOption = (name: string, value: unknown, valid: readonly string[]): UsageError =>
  new UsageError("usage/bad-option", `${name}: expected ${valid.join(" or ")}, found ${String(value)}`, {
    name,
    found: value,
    valid,
  });
