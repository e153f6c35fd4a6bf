// The program's standard output, and the handling of results that cannot be written.
import { fstatSync, writeSync } from "node:fs";
import { Writable } from "node:stream";
import { exitCodes } from "./exit-codes.ts";
import { type Terminal, withCode, write } from "./terminal.ts";
import { cannotWrite } from "./errors.ts";

/**
 * A stream that writes everything or fails. Node treats a partial write as complete, so a full disk would truncate
 * results with exit code 0.
 */
export class FileOutput extends Writable {
  readonly #file: number;
  readonly #write: typeof writeSync;

  /** @param file the file descriptor */
  constructor(file: number, write: typeof writeSync = writeSync) {
    super();
    this.#file = file;
    this.#write = write;
  }

  override _write(bytes: Uint8Array, _encoding: string, done: (error?: Error | null) => void): void {
    try {
      for (let from = 0; from < bytes.length;)
        from += this.#write(this.#file, bytes, from, bytes.length - from);
    } catch (error) {
      done(error as Error);
      return;
    }
    done();
  }
}

const standardOutputNumber = 1;

/** Standard output, with complete writes also if it is a file. */
export function standardOutput(): Terminal["stdout"] {
  try {
    if (fstatSync(standardOutputNumber).isFile()) return new FileOutput(standardOutputNumber);
  } catch {
    // If the kind of output is unknown, Node's own stream is used.
  }
  return process.stdout;
}

/**
 * Ends the program if its output cannot be written.
 * @param exit ends it with a code
 */
export function endWithOutput(
  { stdout, stderr }: Pick<Terminal, "stdout" | "stderr">,
  exit: (code: number) => void,
): void {
  stdout.once("error", (error: NodeJS.ErrnoException) => {
    // Further errors may follow.
    stdout.on("error", () => undefined);
    // A reader such as `head` may close the pipe early, which is not a failure.
    if (error.code === "EPIPE") {
      exit(exitCodes.done);
      return;
    }
    const { message, code } = cannotWrite(error);
    write(stderr, `blip: ${withCode(message, code)}\n`, () => exit(exitCodes.failed));
  });
  // If stderr cannot be written, the results still are.
  stderr.on("error", () => undefined);
}
