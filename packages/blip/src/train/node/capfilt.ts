// CapFilt in Node: data by its path, the run's folder on disk.
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
} from "../../capfilt/index.ts";
import { nodeCapFiltHost } from "../../platform/node/capfilt/host.ts";
import type { ImageInput } from "../../platform/node/decode-image.ts";
import { nodePlatform } from "../../platform/node/node-platform.ts";

/** How a data set of files is cleaned in Node. */
export interface NodeCapFiltOptions extends CapFiltOptions {
  /** How the data is read: where its images lie, how its columns are called, what holds its rows. */
  readonly reader?: WebRowsOptions | undefined;
}

/**
 * CapFilt (BLIP, section 3.3): for each image with its texts a caption is drawn by nucleus sampling, the filter says how
 * well each text fits, and pairs of at least `threshold` are kept. Leaves a folder: `kept/` (the kept pairs, with all
 * columns and where each comes from, as `train` reads it), `scores.jsonl` (every text with its probability), `report.json`
 * and `report.html`. Rows that are wrong and images that cannot be read are counted and left out. With `resume` a run that
 * was stopped or killed goes on; a finished one is written anew, with another threshold if one is given, without asking
 * the models again.
 * @param data a file or folder: JSON lines, a JSON list, CSV or TSV, Parquet, webdataset shards, images with texts beside them
 * @param out the run's folder: empty or not there, or with `resume` the run's own
 * @throws {UsageError} `usage/bad-option`, `generate/...`, `dataset/bad-column`, `capfilt/out-occupied`,
 * `capfilt/not-a-run`, `capfilt/other-run`, `capfilt/in-use`, `capfilt/cannot-write`
 * @throws {InputError} `capfilt/no-rows`, and what ends the reading of the data: `dataset/...`
 * @throws {ModelError} if a model cannot be found, read, or used for its part; `model/wrong-task` @throws the signal's reason
 */
export function capfilt(
  data: string,
  out: string,
  { reader = {}, ...options }: NodeCapFiltOptions = {},
): Promise<CapFiltReport> {
  return runCapFilt(nodePlatform, nodeCapFiltHost, () => readWebRows(data, reader), out, options);
}

/**
 * The first half of CapFilt alone: one caption for each image, drawn by nucleus sampling (p = 0.9). Rows come back in their
 * order with all their fields; one whose image cannot be read comes with its `error`.
 * @param rows images, each with what else the caller wants back; whatever yields them
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
 * The second half of CapFilt alone: the ITM probability of each image with each of its texts, and whether it is kept. Rows
 * come back in their order with all their fields; one whose image cannot be read comes with its `error`.
 * @param rows images with texts, each with what else the caller wants back; whatever yields them
 * @throws {ModelError} if the model cannot be found, read, or used for matching
 * @throws {UsageError} `usage/bad-option` @throws what `rows` throws; the signal's reason
 */
export function filterPairs<Row extends PairsToFilter<ImageInput>>(
  rows: Iterable<Row> | AsyncIterable<Row>,
  options: FilterPairsOptions = {},
): AsyncGenerator<RowWith<Row, FilteredPairs>, void, undefined> {
  return filterRows<ImageInput, Row>(nodePlatform, nodeCapFiltHost, rows, options);
}
