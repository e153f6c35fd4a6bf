// The host of an evaluation in Node: hashes, files of rows and of states, images by path.
import { createHash } from "node:crypto";
import { open, rename, rm } from "node:fs/promises";
import { imagePath } from "@blip-ts/datasets/node";
import type { EvaluationHost } from "../../../evaluate/host.ts";
import { cannotWrite } from "../../../evaluate/errors.ts";
import { detailOf } from "../local-files.ts";
import { openRowFile } from "./row-file.ts";
import { openStatesFile } from "./states-file.ts";

/** Writes a file under a temporary name, then renames it, so that the file is either complete or absent. */
async function writeWhole(path: string, chunks: AsyncIterable<string> | Iterable<string>): Promise<void> {
  const unfinished = `${path}.${process.pid}.part`;
  try {
    const file = await open(unfinished, "w");
    try {
      // `write` may write only a part, which only the returned count shows; `writeFile` writes all or fails.
      for await (const chunk of chunks) await file.writeFile(chunk);
    } finally {
      await file.close();
    }
    await rename(unfinished, path);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw cannotWrite(path, detailOf(error), error);
  }
}

export const nodeEvaluationHost: EvaluationHost = {
  hasher() {
    const hash = createHash("sha256");
    return { update: (bytes) => void hash.update(bytes), digest: () => hash.digest("hex") };
  },
  imageOf(source) {
    if (source.kind === "bytes") return source.bytes;
    return source.kind === "url" ? source.url : imagePath(source);
  },
  openRows: openRowFile,
  openStates: openStatesFile,
  writeFile: writeWhole,
  now: () => performance.now(),
};
