// Pairs of a file, or of a stream such as standard input.
import { readAnswers } from "../answer-list.ts";
import type { Bytes } from "../files.ts";
import type { DatasetLimits } from "../limits.ts";
import { pairRows, type PairError, type PairRow, type PairsOptions } from "../pairs.ts";
import { csvRecords } from "./csv-records.ts";
import { openFile } from "./open-path.ts";

/**
 * Rows of images and texts: JSON lines, a JSON list, CSV or TSV, found from the content. A wrong row comes as an error
 * in its place, and the others go on.
 * @param source a path, or bytes as they come (then give `name`, such as "standard input")
 * @throws {InputError} `dataset/not-found`, `dataset/unreadable`, `dataset/unknown-format`, `dataset/encoding`,
 * `dataset/truncated`, `dataset/bad-json`, `dataset/too-large`: no row behind can be read
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
 * BLIP's `answer_list.json`: a JSON list of texts.
 * @throws {InputError} `dataset/not-found`, `dataset/bad-row`, `dataset/bad-json`, `dataset/encoding`, ...
 */
export async function readAnswerList(path: string, limits: Partial<DatasetLimits> = {}): Promise<string[]> {
  return readAnswers(await openFile(path), limits);
}
