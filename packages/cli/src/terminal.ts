// Output: results go to stdout, everything else to stderr. All output passes through the functions here: names and
// texts from others may contain terminal control characters, which are removed.
import type { Writable } from "node:stream";
import { legible, legibleLines } from "@blip-ts/base";

export interface Terminal {
  readonly stdin: AsyncIterable<Buffer | string>;
  readonly stdout: Writable & { readonly isTTY?: boolean; readonly columns?: number };
  readonly stderr: Writable & { readonly isTTY?: boolean };
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborts when the user stops the command. */
  readonly signal: AbortSignal;
  /** Makes a library message use the command's option names. By default the message is unchanged. */
  readonly asTyped?: ((message: string) => string) | undefined;
  /** The name under which the user called the command, for help: `npx blip-ts`. Default: `blip`. */
  readonly program?: string | undefined;
}

/** Writes text without control characters; line breaks are kept. */
export const write = (stream: Writable, text: string, done?: () => void): void =>
  void stream.write(legibleLines(text), done);

/** Writes lines. */
export const print = (stream: Writable, text: string): void => write(stream, `${text}\n`);

/** Writes a message as one line, whatever it contains. */
export const printLine = (stream: Writable, message: string): void => print(stream, legible(message));

/** A library message with the command's option names. */
export const typed = ({ asTyped }: Pick<Terminal, "asTyped">, message: string): string =>
  asTyped?.(message) ?? message;

/** A message with its code, under which docs/errors.md explains it. */
export const withCode = (message: string, code: string | undefined): string =>
  code === undefined ? message : `${message} [${code}]`;

/** Prints a message on stderr as one line, with the command's option names. */
export const tell = (terminal: Terminal, message: string): void =>
  printLine(terminal.stderr, typed(terminal, message));
