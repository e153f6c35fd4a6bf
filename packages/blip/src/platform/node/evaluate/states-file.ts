// Image states on disk: records of equal length, float32 in the machine's byte order.
import { open, rm } from "node:fs/promises";
import { closedBy } from "@blip-ts/base";
import type { StatesFile } from "../../../evaluate/host.ts";
import { cannotWrite } from "../../../evaluate/errors.ts";
import { detailOf } from "../local-files.ts";

/** @throws {UsageError} `evaluate/cannot-write` */
export async function openStatesFile(path: string): Promise<StatesFile> {
  const orRefused = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw cannotWrite(path, detailOf(error), error);
    }
  };
  const file = await orRefused(() => open(path, "r+").catch(() => open(path, "w+")));
  let isOpen = true;
  const close = async () => {
    if (isOpen) await file.close();
    isOpen = false;
  };
  return {
    size: async () => (await file.stat()).size,
    async write(record, data) {
      const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
      await orRefused(async () => {
        for (let done = 0; done < bytes.length;)
          done += (await file.write(bytes, done, bytes.length - done, record * bytes.length + done))
            .bytesWritten;
      });
    },
    async read(record, length) {
      const data = new Float32Array(length);
      const bytes = new Uint8Array(data.buffer);
      for (let done = 0; done < bytes.length;) {
        const { bytesRead } = await file.read(bytes, done, bytes.length - done, record * bytes.length + done);
        if (bytesRead === 0) throw cannotWrite(path, `image states end before record ${record}`);
        done += bytesRead;
      }
      return data;
    },
    async remove() {
      await close();
      await rm(path, { force: true });
    },
    ...closedBy(close),
  };
}
