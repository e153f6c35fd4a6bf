// Model files on this machine.
import { open, realpath } from "node:fs/promises";
import type { ByteSource } from "../../byte-source.ts";
import { ModelError } from "../../errors.ts";

/** A file as a source of bytes; it is opened for each read, so that nothing has to be closed. */
export async function fileSource(name: string): Promise<ByteSource> {
  const path = await realpath(name);
  const withFile = async <T>(use: (file: Awaited<ReturnType<typeof open>>) => Promise<T>): Promise<T> => {
    const file = await open(path, "r");
    try {
      return await use(file);
    } finally {
      await file.close();
    }
  };
  const size = await withFile(async (file) => (await file.stat()).size);
  return {
    name,
    size,
    path,
    read: (offset, length) =>
      withFile(async (file) => {
        const bytes = new Uint8Array(length);
        const { bytesRead } = await file.read(bytes, 0, length, offset);
        if (bytesRead !== length)
          throw new ModelError(
            "model/read-failed",
            `${name}: expected ${length} bytes at ${offset}, found ${bytesRead}`,
          );
        return bytes;
      }),
  };
}
