// Where output goes: results to stdout, everything else to stderr. All of it is written by the functions here: names and
// texts of others may hold what a terminal obeys, and none of that gets there.
import type { Writable } from "node:stream";
import { legible, legibleLines } from "@blip-ts/base";

export interface Terminal {
  readonly stdin: AsyncIterable<Buffer | string>;
  readonly stdout: Writable & { readonly isTTY?: boolean; readonly columns?: number };
  readonly stderr: Writable & { readonly isTTY?: boolean };
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted when the person stops the command. */
  readonly signal: AbortSignal;
  /** A message of the library with the names of options that the command has. Default: as it is. */
  readonly asTyped?: ((message: string) => string) | undefined;
  /** How the person calls the command, for help: `npx blip-ts`. Default: `blip`. */
  readonly program?: string | undefined;
}

/** Writes text as it is, but for characters that a terminal obeys; lines end where they did. */
export const write = (stream: Writable, text: string, done?: () => void): void =>
  void stream.write(legibleLines(text), done);

/** Writes lines. */
export const print = (stream: Writable, text: string): void => write(stream, `${text}\n`);

/** Writes a message, which is one line whatever stands in it. */
export const printLine = (stream: Writable, message: string): void => print(stream, legible(message));

/** A message of the library with the command's names of options. */
export const typed = ({ asTyped }: Pick<Terminal, "asTyped">, message: string): string =>
  asTyped?.(message) ?? message;

/** A message with its code, under which docs/errors.md explains it. */
export const withCode = (message: string, code: string | undefined): string =>
  code === undefined ? message : `${message} [${code}]`;

/** Says something on stderr, which is one line; options are named as the command names them. */
export const tell = (terminal: Terminal, message: string): void =>
  printLine(terminal.stderr, typed(terminal, message));
