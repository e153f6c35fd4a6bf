// Opens images with their texts and all other columns, by path.
import { defaultLimits } from "../limits.ts";
import { openWebRows, type WebRows, type WebRowsOptions } from "../web-rows.ts";
import { csvRecords } from "./csv-records.ts";
import { listFolder, openPath } from "./open-path.ts";

/**
 * Opens a file or folder of images with their texts: see `openWebRows`.
 * @throws {InputError} `dataset/not-found`, `dataset/unreadable`, `dataset/unknown-format`, ...
 * @throws {UsageError} `dataset/bad-column`, `dataset/bad-option`
 */
export async function readWebRows(path: string, options: WebRowsOptions = {}): Promise<WebRows> {
  const input = await openPath(path, { ...defaultLimits, ...options.limits });
  return openWebRows(input, options, { csv: csvRecords, listFolder });
}
