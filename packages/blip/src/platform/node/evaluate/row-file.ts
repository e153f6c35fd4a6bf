// An append-only file of lines, used by one process at a time.
import { createReadStream } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { BlipError, type Closable, closedBy, last, orClosed } from "@blip-ts/base";
import type { RowFile } from "../../../evaluate/host.ts";
import { cannotWrite, inUse } from "../../../evaluate/errors.ts";
import { lockNow } from "../hub/transfer-lock.ts";
import { detailOf } from "../local-files.ts";

/**
 * Locks the file for this process. The lock of a killed process has no effect.
 * @returns the lock; closing it releases the file
 * @throws {UsageError} `evaluate/in-use`
 */
async function lock(path: string): Promise<Closable> {
  const taken = await lockNow(`${path}.lock`);
  if ("owner" in taken) throw inUse(path, taken.owner);
  return closedBy(() => taken.release());
}

const blockBytes = 1 << 16;

/** The number of bytes up to the end of the last complete line. */
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

/** The number of bytes up to the end of the n-th line. */
async function bytesOfLines(file: FileHandle, lines: number): Promise<number> {
  const block = new Uint8Array(blockBytes);
  let left = lines;
  for (let from = 0; left > 0;) {
    const { bytesRead } = await file.read(block, 0, blockBytes, from);
    if (bytesRead === 0) return from;
    for (let at = block.indexOf(10); at >= 0 && at < bytesRead; at = block.indexOf(10, at + 1))
      if (--left === 0) return from + at + 1;
    from += bytesRead;
  }
  return 0;
}

/**
 * Opens or creates a file of lines. Cuts off a partial last line of a killed process.
 * @throws {UsageError} `evaluate/in-use`, `evaluate/cannot-write`
 */
export async function openRowFile(path: string): Promise<RowFile> {
  try {
    const held = await lock(path);
    return await orClosed(held, () => openLocked(path, held));
  } catch (error) {
    throw error instanceof BlipError ? error : cannotWrite(path, detailOf(error), error);
  }
}

async function openLocked(path: string, held: Closable): Promise<RowFile> {
  const file = await open(path, "a+");
  await orClosed(file, async () => file.truncate(await wholeBytes(file)));
  return {
    // node:readline splits at other characters too (since Node 24 at U+2028), which texts in JSON may contain.
    async *lines() {
      const stream = createReadStream(path, { encoding: "utf8", highWaterMark: blockBytes });
      let rest = "";
      for await (const text of stream as AsyncIterable<string>) {
        const lines = (rest + text).split("\n");
        yield* lines.slice(0, -1);
        rest = last(lines);
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
    keep: async (lines) => file.truncate(await bytesOfLines(file, lines)),
    ...closedBy(async () => {
      await file.close();
      await held.close();
    }),
  };
}
