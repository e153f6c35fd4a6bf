// Reads pairs from a file, or from a stream such as standard input.
import { readAnswers } from "../answer-list.ts";
import type { Bytes } from "../files.ts";
import type { DatasetLimits } from "../limits.ts";
import { pairRows, type PairError, type PairRow, type PairsOptions } from "../pairs.ts";
import { csvRecords } from "./csv-records.ts";
import { openFile } from "./open-path.ts";

/**
 * Yields rows of images and texts from JSON lines, a JSON list, CSV or TSV, detected from the content. An invalid row
 * is yielded as an error in its place, and reading continues.
 * @param source a path, or a stream of bytes (then give `name`, such as "standard input")
 * @throws {InputError} if no further row can be read: `dataset/not-found`, `dataset/unreadable`,
 * `dataset/unknown-format`, `dataset/encoding`, `dataset/truncated`, `dataset/bad-json`, `dataset/too-large`
 * @throws {UsageError} `dataset/bad-option`
 */
export async function* readPairs(
  source: string | Bytes,
  options: Partial<PairsOptions> = {},
): AsyncGenerator<PairRow | PairError> {
  const bytes = typeof source === "string" ? (await openFile(source)).stream() : source;
  const name = options.name ?? (typeof source === "string" ? source : "the stream");
  yield* pairRows(bytes, { ...options, name }, csvRecords);
}

/**
 * Reads BLIP's `answer_list.json`: a JSON list of texts.
 * @throws {InputError} `dataset/not-found`, `dataset/bad-row`, `dataset/bad-json`, `dataset/encoding`, ...
 */
export async function readAnswerList(path: string, limits: Partial<DatasetLimits> = {}): Promise<string[]> {
  return readAnswers(await openFile(path), limits);
}
