// CapFilt's host in Node: files, the encoded bytes of images, and thumbnails by sharp.
import { mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { BlipError, closedBy } from "@blip-ts/base";
import { cannotWrite, inUse, type CapFiltHost, type FileSink } from "../../../capfilt/index.ts";
import { decodeDefaults } from "../../../processor/image-processor.ts";
import { isRawImage } from "../../../image/raw-image.ts";
import { decodeImage } from "../decode-image.ts";
import { nodeEvaluationHost } from "../evaluate/host.ts";
import { detailOf } from "../local-files.ts";
import { loadSharp } from "../load-sharp.ts";
import { readImage } from "../read-image.ts";

const isMissing = (error: unknown): boolean =>
  error instanceof Error && "code" in error && error.code === "ENOENT";

/** @throws {UsageError} `capfilt/cannot-write` */
async function orCannotWrite<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw cannotWrite(path, detailOf(error), error);
  }
}

/** Converts errors of evaluation files (`evaluate/...`) to errors of CapFilt (`capfilt/...`). */
async function inOwnWords<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof BlipError)) throw error;
    if (error.code === "evaluate/in-use") throw inUse(path, String(error.fields.owner));
    if (error.code === "evaluate/cannot-write") throw cannotWrite(path, String(error.fields.detail), error);
    throw error;
  }
}

async function createFile(path: string): Promise<FileSink> {
  const file = await orCannotWrite(path, () => open(path, "w"));
  let isOpen = true;
  return {
    write: (content) => orCannotWrite(path, () => file.writeFile(content)),
    ...closedBy(async () => {
      if (isOpen) await orCannotWrite(path, () => file.close());
      isOpen = false;
    }),
  };
}

export const nodeCapFiltHost: CapFiltHost = {
  hasher: () => nodeEvaluationHost.hasher(),
  imageOf: (source) => nodeEvaluationHost.imageOf(source),
  now: () => nodeEvaluationHost.now(),
  openRows: (path) => inOwnWords(path, () => nodeEvaluationHost.openRows(path)),
  writeFile: (path, pieces) => inOwnWords(path, () => nodeEvaluationHost.writeFile(path, pieces)),
  list: (folder) =>
    orCannotWrite(folder, async () => {
      try {
        return await readdir(folder);
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw error;
      }
    }),
  makeFolder: (folder) =>
    orCannotWrite(folder, async () => {
      await mkdir(folder, { recursive: true });
    }),
  remove: (path) => orCannotWrite(path, () => rm(path, { recursive: true, force: true })),
  rename: (folder, name) => orCannotWrite(name, () => rename(folder, name)),
  create: createFile,
  async readImage(image, signal) {
    if (typeof image === "object" && isRawImage(image)) throw new Error("raw pixels have no file");
    const { bytes, format } = await readImage(image, { signal });
    return { bytes, format };
  },
  async thumbnail(image, side, signal) {
    const options = { ...decodeDefaults("blip", {}), signal };
    const { data, width, height } = await decodeImage(image, options);
    const sharp = await loadSharp();
    return sharp(data, { raw: { width, height, channels: 3 } })
      .resize(side, side, { fit: "inside", withoutEnlargement: true })
      .jpeg({ quality: 75 })
      .toBuffer();
  },
};
