// Training data from files that a web page was given, loaded in the caller's thread.
import { expectOptions, optionNames } from "@blip-ts/base";
import { readData, type DatasetOptions, type ImageSource } from "@blip-ts/datasets";
import type { DecodeOptions } from "../../image/decode-options.ts";
import { decodeImage } from "../../platform/web/decode-image.ts";
import type { TrainingData, TrainingTask } from "../data/batch.ts";
import { readerTasks, type ReaderTask } from "../data/items.ts";
import { inProcessLoader, type DecodeSource } from "../data/load-sample.ts";
import { type TrainingDataOptions, trainingDataOptionNames } from "../data/options.ts";
import { openTrainingData } from "../data/training-data.ts";
import { FileFolder, type PageFile } from "./file-folder.ts";

export interface WebTrainingDataOptions extends TrainingDataOptions {
  /** The path of the list among the files. Default: the format of the folder is detected. */
  readonly list?: string | undefined;
  /** How to read the files: `imageRoot`, `format`, `split`, `columns`, ... */
  readonly reader?: Omit<DatasetOptions, "onRowError"> | undefined;
  /** How to decode. Default, as with `compat: "blip"`: drop alpha, turn images upright, and clip 16-bit grey. */
  readonly decode?:
    Partial<Pick<DecodeOptions, "alpha" | "orientation" | "grey16" | "maxPixels">> | undefined;
  /** Aborts opening the data. It does not affect the batches. */
  readonly signal?: AbortSignal | undefined;
}

const webTrainingDataNames = optionNames<WebTrainingDataOptions>()({
  ...trainingDataOptionNames,
  list: true,
  reader: true,
  decode: true,
  signal: true,
});

function inputOf(image: ImageSource, files: FileFolder): string | Uint8Array | Blob {
  switch (image.kind) {
    case "path":
      return files.file(image.root, image.path);
    case "url":
      return image.url;
    case "bytes":
      return image.bytes;
  }
}

/**
 * Opens training data of a task: images with texts beside them, `metadata.jsonl`, JSON lists, Parquet, shards. Only
 * Node reads CSV.
 * @throws {UsageError} `train-data/bad-option`, `dataset/bad-option`
 * @throws {InputError} `train-data/...`, `dataset/...` @throws the signal's reason
 */
export async function createTrainingData<T extends TrainingTask>(
  task: T,
  files: Iterable<PageFile>,
  options: WebTrainingDataOptions,
): Promise<TrainingData<T>> {
  expectOptions("createTrainingData", options, webTrainingDataNames);
  const { list, reader = {}, decode = {}, signal, ...rest } = options;
  const folder = new FileFolder(files);
  const decoding = { alpha: "drop", orientation: "upright", grey16: "clip", ...decode } as const;
  const decodeSource: DecodeSource = async (image, aborted) =>
    decodeImage(inputOf(image, folder), { ...decoding, signal: aborted });
  return openTrainingData(
    task,
    {
      open: (onRowError) =>
        readData<ReaderTask<T>>(
          readerTasks[task],
          list === undefined
            ? { kind: "folder", folder: folder.folder }
            : { kind: "file", file: folder.dataFile(list) },
          { ...reader, onRowError },
          {},
        ),
      loader: (plan) => inProcessLoader(plan, decodeSource),
    },
    rest,
    signal,
  );
}
