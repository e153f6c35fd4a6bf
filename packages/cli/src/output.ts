// The program's standard output, and what becomes of results that cannot be written.
import { fstatSync, writeSync } from "node:fs";
import { Writable } from "node:stream";
import { exitCodes } from "./exit-codes.ts";
import { type Terminal, withCode, write } from "./terminal.ts";
import { cannotWrite } from "./errors.ts";

/** Node takes what the system took of a text for all of it: a disk that fills up would cut results short, and exit 0. */
export class FileOutput extends Writable {
  readonly #file: number;
  readonly #write: typeof writeSync;

  /** @param file its number */
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

/** Standard output, whole also where it is a file. */
export function standardOutput(): Terminal["stdout"] {
  try {
    if (fstatSync(standardOutputNumber).isFile()) return new FileOutput(standardOutputNumber);
  } catch {
    // What cannot be told is Node's to write to.
  }
  return process.stdout;
}

/**
 * Ends the program where its output cannot be written.
 * @param exit ends it with a code
 */
export function endWithOutput(
  { stdout, stderr }: Pick<Terminal, "stdout" | "stderr">,
  exit: (code: number) => void,
): void {
  stdout.once("error", (error: NodeJS.ErrnoException) => {
    // More of the same may follow.
    stdout.on("error", () => undefined);
    // A reader that has seen enough (`blip ... | head`) closes the pipe: that is no failure.
    if (error.code === "EPIPE") exit(exitCodes.done);
    else write(stderr, `blip: ${withCode(cannotWrite(error).message, "output/cannot-write")}\n`, () => exit(exitCodes.failed));
  });
  // Warnings that nobody can read keep nobody from the results.
  stderr.on("error", () => undefined);
}
