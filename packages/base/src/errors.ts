// The family of errors that the packages throw. Each makes them through one factory per failure
// (`checkpoint/errors.ts`, `image/errors.ts`, ...): message = where, expected, found, what to do.
import { legible } from "./legible.ts";

/** What failed, as plain data: paths, tensor names, numbers. */
export type ErrorFields = Readonly<Record<string, unknown>>;

/**
 * Base of all errors thrown on purpose. `code` is stable; the message is for people. What others wrote in it (names of
 * files, texts, answers of servers) is written out where a terminal would obey it: a message is always one line.
 */
export abstract class BlipError extends Error {
  readonly code: string;
  readonly fields: ErrorFields;

  constructor(code: string, message: string, fields: ErrorFields = {}, options?: ErrorOptions) {
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
