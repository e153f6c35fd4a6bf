// Converts errors to and from plain data, to send them between processes.
import { BlipError, plainError, revivedError } from "@blip-ts/base";
import type { SentError } from "./messages.ts";

export const toPlain = (error: unknown): SentError =>
  error instanceof BlipError
    ? plainError(error)
    : { type: "other", message: error instanceof Error ? error.message : String(error) };

export const fromPlain = (sent: SentError): Error =>
  sent.type === "other" ? new Error(sent.message) : revivedError(sent);
