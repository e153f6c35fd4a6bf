// A file of lines that grows, of one process at a time.
import { createReadStream } from "node:fs";
import { type FileHandle, open, readFile, rm } from "node:fs/promises";
import { createInterface } from "node:readline";
import { BlipError, closedBy } from "@blip-ts/base";
import type { RowFile } from "../../../evaluate/host.ts";
import { cannotWrite, inUse } from "../../../evaluate/errors.ts";

const codeOf = (error: unknown) => (error instanceof Error && "code" in error ? String(error.code) : "");
const detailOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

/** Is there a process of this number? */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === "EPERM";
  }
}

/**
 * Takes the file for this process. A killed process leaves its lock behind, which then counts for nothing.
 * @returns what gives it back
 * @throws {UsageError} `evaluate/in-use`
 */
async function lock(path: string): Promise<() => Promise<void>> {
  const own = `${path}.lock`;
  for (;;) {
    try {
      const file = await open(own, "wx");
      await file.writeFile(String(process.pid));
      await file.close();
      return () => rm(own, { force: true });
    } catch (error) {
      if (codeOf(error) !== "EEXIST") throw error;
    }
    const owner = Number(await readFile(own, "utf8").catch(() => ""));
    if (Number.isSafeInteger(owner) && owner > 0 && isAlive(owner)) throw inUse(path, String(owner));
    await rm(own, { force: true });
  }
}

const blockBytes = 1 << 16;

/** Bytes up to the last line's end. */
async function wholeBytes(file: FileHandle): Promise<number> {
  const block = new Uint8Array(blockBytes);
  for (let end = (await file.stat()).size; end > 0;) {
    const from = Math.max(0, end - blockBytes);
    const { bytesRead } = await file.read(block, 0, end - from, from);
    const last = block.subarray(0, bytesRead).lastIndexOf(10);
    if (last >= 0) return from + last + 1;
    end = from;
  }
  return 0;
}

/**
 * Opens a file of lines, or begins it. What a killed process left of a line is cut off.
 * @throws {UsageError} `evaluate/in-use`, `evaluate/cannot-write`
 */
export async function openRowFile(path: string): Promise<RowFile> {
  try {
    const unlock = await lock(path);
    const file = await open(path, "a+");
    await file.truncate(await wholeBytes(file));
    return {
      async *lines() {
        const stream = createReadStream(path, { highWaterMark: blockBytes });
        try {
          yield* createInterface({ input: stream, crlfDelay: Infinity });
        } finally {
          stream.destroy();
        }
      },
      async append(text) {
        try {
          await file.appendFile(text);
        } catch (error) {
          throw cannotWrite(path, detailOf(error), error);
        }
      },
      clear: () => file.truncate(0),
      ...closedBy(async () => {
        await file.close();
        await unlock();
      }),
    };
  } catch (error) {
    throw error instanceof BlipError ? error : cannotWrite(path, detailOf(error), error);
  }
}
