// CapFilt in Node: reads data from a path, and writes the run's folder to disk.
import { expectOptions } from "@blip-ts/base";
import { readWebRows, type WebRowsOptions } from "@blip-ts/datasets/node";
import {
  captionRows,
  type CaptionImagesOptions,
  type CapFiltOptions,
  type CapFiltReport,
  filterRows,
  type FilteredPairs,
  type FilterPairsOptions,
  type ImageToCaption,
  type PairsToFilter,
  type RowWith,
  runCapFilt,
  type SyntheticCaption,
  capFiltOptionNames,
} from "../../capfilt/index.ts";
import { nodeCapFiltHost } from "../../platform/node/capfilt/host.ts";
import type { ImageInput } from "../../platform/node/decode-image.ts";
import { nodePlatform } from "../../platform/node/node-platform.ts";

/** Options to clean a data set of files in Node. */
export interface NodeCapFiltOptions extends CapFiltOptions {
  /** How to read the data: image folder, column names, file format. Default: detected from the content. */
  readonly reader?: WebRowsOptions | undefined;
}

/**
 * CapFilt (BLIP, section 3.3). For each image with its texts, it draws a caption by nucleus sampling, scores how well
 * each text fits, and keeps the pairs whose score is at least `threshold`. Invalid rows and unreadable images are
 * counted and left out.
 *
 * It writes a folder: `kept/` (the kept pairs, with all columns and the origin of each, readable by `train`),
 * `scores.jsonl` (every text with its probability), `report.json` and `report.html`.
 *
 * With `resume`, a run that was stopped or killed continues. For a finished run, the output is written again without
 * running the models, with a new `threshold` if given.
 * @param data a file or folder: JSON lines, a JSON list, CSV or TSV, Parquet, webdataset shards, images with texts
 * beside them
 * @param out the run's folder: empty or missing; with `resume`, the folder of the run to continue
 * @throws {UsageError} `usage/bad-option`, `generate/...`, `dataset/bad-column`, `capfilt/out-occupied`,
 * `capfilt/not-a-run`, `capfilt/other-run`, `capfilt/in-use`, `capfilt/cannot-write`
 * @throws {InputError} `capfilt/no-rows`, and `dataset/...` if the data cannot be read
 * @throws {ModelError} if a model cannot be found, read, or used for its part; `model/wrong-task` @throws the signal's
 * reason
 */
export async function capfilt(
  data: string,
  out: string,
  capFiltOptions: NodeCapFiltOptions = {},
): Promise<CapFiltReport> {
  expectOptions("capfilt", capFiltOptions, { ...capFiltOptionNames, reader: true });
  const { reader = {}, ...options } = capFiltOptions;
  return runCapFilt(nodePlatform, nodeCapFiltHost, () => readWebRows(data, reader), out, options);
}

/**
 * Only the captioner of CapFilt: one caption per image, drawn by nucleus sampling (p = 0.9). Rows are returned in
 * order with all their fields. A row whose image cannot be read gets an `error`.
 * @param rows images, each with any other fields; any iterable
 * @throws {ModelError} if the model cannot be found, read, or used for captions
 * @throws {UsageError} `usage/bad-option`, `generate/...` @throws what `rows` throws; the signal's reason
 */
export function captionImages<Row extends ImageToCaption<ImageInput>>(
  rows: Iterable<Row> | AsyncIterable<Row>,
  options: CaptionImagesOptions = {},
): AsyncGenerator<RowWith<Row, SyntheticCaption>, void, undefined> {
  return captionRows<ImageInput, Row>(nodePlatform, nodeCapFiltHost, rows, options);
}

/**
 * Only the filter of CapFilt: the ITM probability of each image-text pair, and whether to keep the text.
 * Rows are returned in order with all their fields. A row whose image cannot be read gets an `error`. A text that
 * cannot be read is not kept.
 * @param rows images with texts, each with any other fields; any iterable
 * @throws {ModelError} if the model cannot be found, read, or used for matching
 * @throws {UsageError} `usage/bad-option`, `text/not-a-text` @throws what `rows` throws; the signal's reason
 */
export function filterPairs<Row extends PairsToFilter<ImageInput>>(
  rows: Iterable<Row> | AsyncIterable<Row>,
  options: FilterPairsOptions = {},
): AsyncGenerator<RowWith<Row, FilteredPairs>, void, undefined> {
  return filterRows<ImageInput, Row>(nodePlatform, nodeCapFiltHost, rows, options);
}
