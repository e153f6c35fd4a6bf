// Where output goes: results to stdout, everything else to stderr.
import type { Writable } from "node:stream";

export interface Terminal {
  readonly stdin: AsyncIterable<Buffer | string>;
  readonly stdout: Writable & { readonly isTTY?: boolean; readonly columns?: number };
  readonly stderr: Writable & { readonly isTTY?: boolean };
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted when the person stops the command. */
  readonly signal: AbortSignal;
}

export const print = (stream: Writable, text: string): void => void stream.write(`${text}\n`);
